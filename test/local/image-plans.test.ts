import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { loadLocalSettings, type SandboxVariant } from '../../src/config/local.ts';
import { FIRST_NODE } from '../../src/local/cluster/network.ts';
import { imageTag, planProductImage, planSandboxImage, type ImagePlan } from '../../src/local/image-plans.ts';
import { planOwnImage } from '../../src/local/own-images.ts';
import { makeDaemons } from '../../src/local/daemons.ts';
import type { Local } from '../../src/local/local.ts';
import { localPaths } from '../../src/local/paths.ts';

let project: string;
let local: Local;
const context = { report: () => {}, log: '/dev/null', signal: new AbortController().signal };

const put = async (name: string, content: string, mode = 0o644): Promise<void> => {
  const path = join(project, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  await chmod(path, mode);
};
const sandboxPlan = (variant: SandboxVariant): Promise<ImagePlan> => planSandboxImage(local, variant, context);
const namesOf = ({ files }: ImagePlan): readonly string[] => files.map(({ name }) => name).toSorted();

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'matrx-image-plans-'));
  const paths = localPaths(join(project, 'state'), join(project, 'cache'));
  local = {
    settings: loadLocalSettings({ HOME: project, SSL_CERT_FILE: join(project, 'bundle.pem') }, false),
    paths,
    daemons: makeDaemons({ clock: systemClock, records: paths.processes, logs: paths.logs }),
    clock: systemClock,
    random: systemRandom,
    env: {},
    isRoot: false,
    node: FIRST_NODE,
    project,
  };
  await put('bundle.pem', 'certificates');
  await put('cache/npm-11.6.2.tgz', 'npm');
  await put('node_modules/node/bin/node', 'node', 0o755);
  await put('Dockerfile', 'FROM scratch');
  await put('dist/main.js', 'program');
  await put('sandbox-image/Dockerfile', 'FROM scratch');
  await put('sandbox-image/README.md', 'for people');
  await put('sandbox-image/core/packages.txt', 'jq');
  await put('sandbox-image/full/packages.txt', 'chromium');
  await put('sandbox-image/bin/start', '#!/bin/sh', 0o755);
  await put('sandbox-image/smoke.d/core.sh', 'check');
});
afterEach(() => rm(project, { recursive: true, force: true }));

describe('the product image', () => {
  it('is made of its Dockerfile, Node.js, rclone and the bundle', async () => {
    const rclone = { name: 'rclone', source: { text: 'rclone' } };
    expect(namesOf(await planProductImage(local, rclone))).toEqual(['Dockerfile', 'dist/main.js', 'node', 'rclone']);
  });
});

describe('a sandbox image', () => {
  it('is made of its own folder, without what is for people and for other variants', async () => {
    expect(namesOf(await sandboxPlan('core'))).toEqual([
      'Dockerfile',
      'ca-bundle.crt',
      'core/packages.txt',
      'node',
      'npm.tgz',
      'opt/bin/start',
      'opt/smoke.d/core.sh',
    ]);
    expect(namesOf(await sandboxPlan('full'))).toContain('full/packages.txt');
  });

  it('has the SDK and the daemon where they are there, without what Python left beside them', async () => {
    await put('sandbox-image/sdk/matrx_tools/tool.py', 'tool');
    await put('sandbox-image/sdk/matrx_tools/__pycache__/tool.cpython-311.pyc', 'cache');
    await put('sandbox-image/sdk/.pytest_cache/README.md', 'cache');
    await put('sandbox-image/sdk/matrx_sdk.egg-info/PKG-INFO', 'left by an installation');
    await put('sandbox-image/sdk/build/lib/matrx_tools/tool.py', 'left by a build');
    await put('dist-sandboxd/main.js', 'daemon');
    await put('dist-sandboxd/build/pty.node', 'native part');
    const names = namesOf(await sandboxPlan('core')).filter((name) => /^opt\/sdk|^opt\/sandboxd/.test(name));
    expect(names).toEqual(['opt/sandboxd/build/pty.node', 'opt/sandboxd/main.js', 'opt/sdk/matrx_tools/tool.py']);
  });

  it('keeps which files are programs', async () => {
    const { files } = await sandboxPlan('core');
    const programs = files.filter(({ executable }) => executable === true).map(({ name }) => name);
    expect(programs.toSorted()).toEqual(['node', 'opt/bin/start']);
  });

  it('gets the CA bundle of the environment, or an empty one', async () => {
    const bundleOf = ({ files }: ImagePlan) => files.find(({ name }) => name === 'ca-bundle.crt')?.source;
    expect(bundleOf(await sandboxPlan('core'))).toEqual({ text: 'certificates' });
    local = { ...local, settings: loadLocalSettings({ HOME: project }, false) };
    expect(bundleOf(await sandboxPlan('core'))).toEqual({ text: '' });
  });

  it('has another name when a file of it changes, also one of the SDK', async () => {
    const before = await imageTag(await sandboxPlan('full'));
    expect(before).toMatch(/^matrx-sandbox\/full:[0-9a-f]{16}$/);
    expect(await imageTag(await sandboxPlan('full'))).toBe(before);
    await put('sandbox-image/sdk/matrx_tools/tool.py', 'tool');
    const after = await imageTag(await sandboxPlan('full'));
    expect(after).not.toBe(before);
    await put('sandbox-image/full/packages.txt', 'chromium fonts');
    expect(await imageTag(await sandboxPlan('full'))).not.toBe(after);
  });
});

it('the tag of an image depends on the stage that is built', async () => {
  const plan: ImagePlan = { repository: 'a/b', files: [{ name: 'Dockerfile', source: { text: 'FROM scratch' } }] };
  const tags = await Promise.all([plan, { ...plan, target: 'core' }, { ...plan, target: 'full' }].map(imageTag));
  expect(new Set(tags).size).toBe(3);
});

describe("an image of a user's own", () => {
  it('is made of the files of its folder and the CA bundle', async () => {
    await put('own/Dockerfile', 'FROM scratch');
    await put('own/build/script', 'a folder that is called build is not left out here', 0o755);
    const plan = await planOwnImage(local, join(project, 'own'), 'team/data:1');
    expect(plan.repository).toBe('team/data');
    expect(namesOf(plan)).toEqual(['Dockerfile', 'build/script', 'ca-bundle.crt']);
  });

  it('can bring a CA bundle of its own', async () => {
    await put('own/Dockerfile', 'FROM scratch');
    await put('own/ca-bundle.crt', 'my own');
    const { files } = await planOwnImage(local, join(project, 'own'), 'team/data:1');
    expect(files.filter(({ name }) => name === 'ca-bundle.crt')).toMatchObject([
      { source: { path: join(project, 'own/ca-bundle.crt') } },
    ]);
  });

  it('needs a Dockerfile', async () => {
    await put('own/requirements.txt', '');
    await expect(planOwnImage(local, join(project, 'own'), 'team/data:1')).rejects.toThrow('has no Dockerfile');
    await expect(planOwnImage(local, join(project, 'nowhere'), 'team/data:1')).rejects.toThrow(
      /nowhere has no Dockerfile: name `product`/,
    );
  });
});
