import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type GoTool, locateGoTool } from '../../scripts/go-tools.ts';
import { type FakePrograms, makeFakePrograms, runScript } from './fake-programs.ts';

const PRODUCT = `ghcr.io/someone/matrx/product@sha256:${'1'.repeat(64)}`;
const SANDBOX = `ghcr.io/someone/matrx/sandbox@sha256:${'2'.repeat(64)}`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrx-images-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A program in the place where the one that is built from its module would be found. */
const fakeTool = async (name: GoTool, body: string): Promise<FakePrograms> => {
  const { path } = await locateGoTool(name);
  return makeFakePrograms(folder, { [basename(path)]: body });
};

const run = (script: string, ...args: readonly string[]) =>
  runScript(folder, [script, ...args], { MATRX_CACHE_DIR: folder });
const argumentsOf = async (programs: FakePrograms): Promise<readonly string[]> =>
  (await programs.calls()).map((call) => call.slice(call.indexOf(' ') + 1));
const writeImages = (): Promise<void> =>
  writeFile(join(folder, 'images.json'), JSON.stringify({ product: PRODUCT, sandbox: SANDBOX }));

describe('make sign', () => {
  it('signs both images by digest and the checksums, with nobody’s key', async () => {
    await writeImages();
    const cosign = await fakeTool('cosign', 'exit 0');
    expect(await run('sign.ts')).toMatchObject({ exitCode: 0 });
    const sums = join(folder, 'SHA256SUMS');
    expect(await argumentsOf(cosign)).toEqual([
      `sign --yes ${PRODUCT}`,
      `sign --yes ${SANDBOX}`,
      `sign-blob --yes --bundle ${sums}.sigstore.json ${sums}`,
    ]);
  });

  it('ends with the first signature that fails', async () => {
    await writeImages();
    const cosign = await fakeTool('cosign', 'echo no identity token >&2; exit 1');
    expect(await run('sign.ts')).toMatchObject({ exitCode: 1, output: expect.stringContaining('no identity token') });
    expect(await cosign.calls()).toHaveLength(1);
  });
});

describe('make sbom and make scan-images', () => {
  it('write what is in each image, and look through that', async () => {
    await writeImages();
    const syft = await fakeTool(
      'syft',
      'for one in "$@"; do case "$one" in spdx-json=*) echo {} >"${one#*=}" ;; esac; done',
    );
    expect(await run('inspect-images.ts', 'sbom')).toMatchObject({ exitCode: 0 });
    expect(await argumentsOf(syft)).toEqual(
      [PRODUCT, SANDBOX].map(
        (image, index) =>
          `scan docker:${image} --quiet --output spdx-json=${join(folder, `${['product', 'sandbox'][index]}.spdx.json`)}`,
      ),
    );
    const grype = await fakeTool('grype', 'exit 0');
    expect(await run('inspect-images.ts', 'scan')).toMatchObject({ exitCode: 0 });
    expect(await argumentsOf(grype)).toEqual(
      ['product', 'sandbox'].map((name) => `sbom:${join(folder, `${name}.spdx.json`)} --only-fixed --fail-on critical`),
    );
  });

  it('fail where something critical has a fix', async () => {
    await writeImages();
    for (const name of ['product', 'sandbox']) await writeFile(join(folder, `${name}.spdx.json`), '{}');
    await fakeTool('grype', 'echo "openssl  1.0  1.1  deb  CVE-2026-1  Critical"; exit 2');
    expect(await run('inspect-images.ts', 'scan')).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('CVE-2026-1'),
    });
  });

  it.each([
    ['sbom', 'run `make images` or `make push-images` first'],
    ['other', 'it takes sbom or scan'],
  ])('say what is missing: %s', async (act, message) => {
    expect(await run('inspect-images.ts', act)).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining(message),
    });
  });

  it('scan nothing of which there is no SBOM', async () => {
    await writeImages();
    await fakeTool('grype', 'exit 0');
    expect(await run('inspect-images.ts', 'scan')).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('run `make sbom` first'),
    });
  });
});
