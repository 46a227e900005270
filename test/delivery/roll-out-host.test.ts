import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { goTool } from '../../scripts/go-tools.ts';
import { runCommand } from '../support/e2e/command.ts';
import { type FakePrograms, makeFakePrograms } from './fake-programs.ts';

const ROOT = join(import.meta.dirname, '../..');
const OLD = 'aaaaaaa';
const NEW = 'bbbbbbb';
const REGISTRY = '123456789012.dkr.ecr.us-east-1.amazonaws.com/matrx-sandbox-dev';

let kustomize: string;
let folder: string;
let settings: string;
let releases: string;
let programs: FakePrograms;

beforeAll(async () => {
  kustomize = await goTool('kustomize');
}, 600_000);

/** A host on which the release OLD runs. kubectl renders as the real one does, and says what the state folder tells. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrx-host-'));
  settings = join(folder, 'etc/matrx');
  releases = join(folder, 'opt/matrx/releases');
  await mkdir(settings, { recursive: true });
  await mkdir(join(releases, OLD), { recursive: true });
  for (const part of ['crds', 'manifests']) {
    await runCommand('cp', ['-R', join(ROOT, part), join(releases, OLD)], { deadlineMs: 120_000 });
  }
  await writeFile(join(settings, 'kustomization.yaml'), settingsOf(OLD, 'old'));
  await copyFile(join(ROOT, 'manifests/base/image-fields.yaml'), join(settings, 'image-fields.yaml'));
  programs = await makeFakePrograms(folder, {
    k3s: `
      if [ "$2" = kustomize ]; then exec ${kustomize} build "$3"; fi
      if [ "$2" = apply ] && [ "$6" = -k ] && [ "$7" = "${settings}" ]; then
        grep -A2 'matrx-sandbox/product' "$7/kustomization.yaml" | grep -o 'newTag: .*' >$state/running
      fi
      case "$*" in
        *"rollout status"*) if grep -q bad $state/running; then echo 'timed out waiting for the condition' >&2; exit 1; fi ;;
        *"get service"*) echo -n 10.43.0.9 ;;
        *logs*) echo "the last words of $5" ;;
      esac`,
    curl: `grep -q sick $state/running && { echo 'curl: (22) 503' >&2; exit 22; }; echo '{"status":"healthy"}'`,
    journalctl: 'echo the journal of k3s',
  });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const settingsOf = (
  release: string,
  tag: string,
  overlay = 'aws-single-node',
): string => `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ${relative(settings, join(releases, release))}/manifests/overlays/${overlay}
images:
  - name: matrx-sandbox/product
    newName: ${REGISTRY}/product
    newTag: ${tag}
  - { name: matrx-sandbox/sandbox, newName: ${REGISTRY}/sandbox, newTag: ${tag} }
configurations: [image-fields.yaml]
generatorOptions: { disableNameSuffixHash: true }
configMapGenerator:
  - name: matrx-config
    namespace: matrx-system
    literals: [MATRX_S3_BUCKET=workspaces, AWS_REGION=us-east-1]
`;

const rollOut = async (tag: string, variables: Readonly<Record<string, string>> = {}) => {
  const { exitCode, stdout, stderr } = await runCommand(join(ROOT, 'scripts/roll-out-host.sh'), [], {
    deadlineMs: 120_000,
    env: {
      PATH: programs.path,
      REVISION: NEW,
      PRODUCT_IMAGE: `${REGISTRY}/product:${tag}`,
      SANDBOX_IMAGE: `${REGISTRY}/sandbox:${tag}`,
      MATRX_SETTINGS: settings,
      MATRX_RELEASES: releases,
      HEALTH_ATTEMPTS: '2',
      HEALTH_PAUSE: '0',
      ...variables,
    },
  });
  return { exitCode, output: `${stdout.toString()}${stderr}` };
};
const current = (): Promise<string> => readFile(join(settings, 'kustomization.yaml'), 'utf8');
const applied = async (): Promise<readonly string[]> =>
  (await programs.calls())
    .filter((call) => call.startsWith('k3s kubectl apply'))
    .map((call) => relative(folder, call.slice(call.indexOf(' -k ') + 4)));

describe('a roll-out on the host', () => {
  it('applies definitions, then the rest, waits for all three workloads and the API, and keeps the host’s settings [A9.4]', async () => {
    expect(await rollOut('new')).toMatchObject({
      exitCode: 0,
      output: expect.stringContaining(`roll-out: ${NEW} runs`),
    });
    expect(await applied()).toEqual([`opt/matrx/releases/${NEW}/crds`, 'etc/matrx']);
    const calls = (await programs.calls()).filter((call) => call.includes('rollout status') || call.startsWith('curl'));
    expect(calls).toEqual([
      'k3s kubectl -n matrx-system rollout status daemonset/matrx-node --timeout=180s',
      'k3s kubectl -n matrx-system rollout status deployment/matrx-controller --timeout=180s',
      'k3s kubectl -n matrx-system rollout status deployment/matrx-facade --timeout=180s',
      'curl --silent --show-error --fail --max-time 5 http://10.43.0.9/health',
    ]);
    const rendered = await runCommand(kustomize, ['build', settings], { deadlineMs: 120_000 });
    expect(rendered.stdout.toString()).toContain(`image: ${REGISTRY}/sandbox:new`);
    expect(rendered.stdout.toString()).toContain('MATRX_S3_BUCKET: workspaces');
    expect((await readdir(settings)).toSorted()).toEqual(['image-fields.yaml', 'kustomization.yaml', 'roll-out.lock']);
  });

  it('leaves the overlay of a host that has workers', async () => {
    await writeFile(join(settings, 'kustomization.yaml'), settingsOf(OLD, 'old', 'aws-multi-node'));
    expect(await rollOut('new')).toMatchObject({ exitCode: 0 });
    expect(await current()).toContain(`releases/${NEW}/manifests/overlays/aws-multi-node\n`);
    const rendered = await runCommand(kustomize, ['build', settings], { deadlineMs: 120_000 });
    expect(rendered.stdout.toString()).toContain('node-role.kubernetes.io/control-plane');
  });

  it.each([
    ['a workload does not become ready', 'bad', 'timed out waiting for the condition'],
    ['the API does not answer', 'sick', '503'],
  ])('when %s, shows why with the journal, puts back what ran, and fails [A9.4]', async (_what, tag, why) => {
    const before = await current();
    const { exitCode, output } = await rollOut(tag);
    expect(exitCode).toBe(1);
    expect(output).toContain(why);
    expect(output).toContain('the last words of deployment/matrx-controller');
    expect(output).toContain('the journal of k3s');
    expect(output).toContain(`rolled back to ${join(releases, OLD)}, which is healthy`);
    expect(await current()).toBe(before);
    expect(await applied()).toEqual([
      `opt/matrx/releases/${NEW}/crds`,
      'etc/matrx',
      `opt/matrx/releases/${OLD}/crds`,
      'etc/matrx',
    ]);
  });

  it('that was killed half way is rolled back over: to what was healthy before it, not to what it left', async () => {
    const healthy = await current();
    await writeFile(join(settings, 'last-healthy.yaml'), healthy);
    await writeFile(join(settings, 'kustomization.yaml'), settingsOf(NEW, 'bad'));
    await mkdir(join(releases, `${NEW}.new`), { recursive: true });
    const { exitCode, output } = await rollOut('sick');
    expect({ exitCode, output }).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('an earlier one did not end'),
    });
    expect(await current()).toBe(healthy);
    expect(await readdir(settings)).not.toContain('last-healthy.yaml');
  });

  it('says so when what it rolls back to is not healthy either', async () => {
    await writeFile(join(settings, 'kustomization.yaml'), settingsOf(OLD, 'bad-too'));
    const { exitCode, output } = await rollOut('bad');
    expect(exitCode).toBe(1);
    expect(output).toContain(`${NEW} does not run, and neither does ${join(releases, OLD)}`);
  });

  it.each([
    [{ REVISION: 'main' }, "REVISION is 'main': give the commit's hexadecimal name"],
    [{ PRODUCT_IMAGE: 'a;b:c' }, "PRODUCT_IMAGE is 'a;b:c': give repository:tag"],
    [{ MATRX_SETTINGS: '/nowhere' }, "/nowhere/kustomization.yaml is not there: run the host's bootstrap first"],
  ])('with %j changes nothing, and says what to do', async (variables, message) => {
    const { exitCode, output } = await rollOut('new', variables);
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: `roll-out: ${message}\n` });
    expect(await programs.calls()).toEqual([]);
  });

  it('where settings name no such overlay, changes nothing', async () => {
    await writeFile(join(settings, 'kustomization.yaml'), 'resources: [../elsewhere]\n');
    expect(await rollOut('new')).toMatchObject({ exitCode: 1, output: expect.stringContaining('names no manifests/') });
    expect(await programs.calls()).toEqual([]);
  });
});
