import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { WorkspaceCold } from '../../src/api/workspace-cold.ts';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { coldPaths } from '../../src/node/cold/cold-record.ts';
import { rcloneFiles } from '../../src/node/cold/rclone-command.ts';
import { homesDir } from '../../src/node/home-paths.ts';
import { csiSocketPath } from '../../src/node/kubelet-registration.ts';
import { makeMounts } from '../../src/node/mounts.ts';
import { makeNodeDriver, type NodeDriver } from '../../src/node/node-driver.ts';
import { noMetrics } from '../../src/node/node-metrics.ts';
import { makeLog } from '../../src/telemetry/log.ts';
import type { ObjectStore } from '../../src/workspace/object-store.ts';
import { type CsiClient, connectCsi } from '../node/support/csi-client.ts';
import { makeEffects } from '../node/support/effects.ts';
import { makeFakeBucket } from '../node/support/fake-bucket.ts';
import { type FakeCluster, makeFakeCluster, NODE } from '../node/support/fake-cluster.ts';
import { stolenCredentials } from '../support/e2e/cold/cold.ts';
import { BUCKET, type ColdWorld, openColdWorld, until } from '../support/cold-world.ts';

// The whole node driver, called as kubelet calls it, with a real rclone, FUSE and versitygw; no cluster. What a container
// sees is seen from a mount namespace that gets the node's mounts and gives none back, as HostToContainer makes one.
jest.setTimeout(300_000);

const run = promisify(execFile);

let world: ColdWorld;
let folder: string;
let target: string;
let cluster: FakeCluster;
let driver: NodeDriver;
let node: CsiClient;
let pod: ChildProcess | undefined;

beforeAll(async () => {
  world = await openColdWorld();
});
afterAll(() => world.close());

beforeEach(async () => {
  folder = await mkdtemp('/tmp/matrx-cold-driver-');
  // The agent of the test goes through it; a pod's sees the volume alone.
  await chmod(folder, 0o755);
  // kubelet's folder is shared on a node; here it is a mount of its own, whatever the machine's root is.
  const kubelet = path.join(folder, 'kubelet');
  await mkdir(kubelet);
  execFileSync('mount', ['--bind', kubelet, kubelet]);
  execFileSync('mount', ['--make-private', kubelet]);
  execFileSync('mount', ['--make-shared', kubelet]);
  target = path.join(kubelet, 'pods/pod-uid/volumes/kubernetes.io~csi/cold/mount');
  await mkdir(path.dirname(target), { recursive: true });
  cluster = makeFakeCluster();
  await start();
});
afterEach(async () => {
  await world.startServer();
  pod?.kill('SIGKILL');
  await unpublish();
  await until(() => state() === 'Closed' && !existsSync(paths().root));
  await stop();
  execFileSync('umount', [homesDir(path.join(folder, 'state'))]);
  execFileSync('umount', [path.join(folder, 'kubelet')]);
  await rm(folder, { recursive: true });
});

const start = async (): Promise<void> => {
  driver = makeNodeDriver(
    {
      kube: cluster.client(makeEffects()),
      store: { name: 's3://bucket' } as unknown as ObjectStore,
      openHome: makeFakeBucket({}).openHome(makeEffects()),
      checkStorage: () => Promise.resolve({ ok: true }),
      mounts: makeMounts(),
      cold: { drivers: { rclone: world.driver, 'mount-s3': world.driver }, provider: world.provider },
      clock: systemClock,
      random: systemRandom,
      log: makeLog({ level: 'fatal', component: 'test' }),
      metrics: noMetrics,
    },
    {
      node: NODE,
      namespace: 'sandboxes',
      systemNamespace: 'matrx-system',
      stateDir: path.join(folder, 'state'),
      coldDir: path.join(folder, 'state/cold'),
      kubeletDir: path.join(folder, 'kubelet'),
      bucket: BUCKET,
      version: '1',
      ownerId: 1000,
      rpoMs: 10_000,
      saveWaitMs: 3000,
      drainMs: 1000,
    },
  );
  await driver.part.start({ signal: new AbortController().signal, fail: () => undefined });
  node = connectCsi(csiSocketPath(path.join(folder, 'kubelet')), 'csi.v1.Node');
};
const stop = async (): Promise<void> => {
  node.close();
  await driver.part.stop();
};
const publish = (): Promise<unknown> =>
  node.call('NodePublishVolume', {
    volumeId: 'csi-cold',
    targetPath: target,
    volumeCapability: { mount: {} },
    secrets: { 'csi.storage.k8s.io/serviceAccount.tokens': '{"workspace.matrx.dev":{"token":"token of pod-uid"}}' },
    volumeContext: { tier: 'cold' },
  });
const unpublish = (): Promise<unknown> =>
  node.call('NodeUnpublishVolume', { volumeId: 'csi-cold', targetPath: target });
const paths = () => coldPaths(path.join(folder, 'state/cold'), 'ann', 1);
const reported = (): WorkspaceCold | undefined => cluster.status().cold;
const state = (): string | undefined => reported()?.state;
const mounted = (): Promise<void> => until(() => state() === 'Mounted');
const at = (name: string): string => path.join(target, 'cold', name);
const rclonePid = (): number =>
  (JSON.parse(readFileSync(rcloneFiles(paths().mount).process, 'utf8')) as { pid: number }).pid;
const object = async (name: string): Promise<string> =>
  (await world.store.get(`users/ann/cold/${name}`)).body.toString();

/** A process that sees the volume as a container with HostToContainer does. */
const startPod = async (): Promise<(script: string) => Promise<string>> => {
  pod = spawn('unshare', ['--mount', '--propagation', 'slave', 'sleep', '600'], { stdio: 'ignore' });
  const pid = String(pod.pid);
  await until(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sleep');
  return async (script) =>
    (
      await run(
        'nsenter',
        [`--target=${pid}`, '--mount', 'setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', 'sh', '-c', script],
        {
          cwd: '/',
        },
      )
    ).stdout;
};

test('a container that runs before the mount is there sees it, and the one after a crash, and all arrives', async () => {
  await publish();
  const shell = await startPod();
  await mounted();
  expect(reported()).toMatchObject({ isolation: 'prefix' });
  await until(async () => (await shell(`echo one > ${at('log')}; cat ${at('log')}`)) === 'one\n');
  await shell(`echo two >> ${at('log')}; sync ${at('log')}`);
  const before = rclonePid();
  process.kill(before, 'SIGKILL');
  await until(() => rclonePid() !== before && state() === 'Mounted');
  await until(async () => (await shell(`cat ${at('log')}`)) === 'one\ntwo\n');
  await shell(`echo three >> ${at('log')}`);
  const reach = world.storeOf(await stolenCredentials(rclonePid()));
  await expect(reach.get('users/ann/cold/none')).rejects.toThrow(/NoSuchKey/);
  await unpublish();
  expect(existsSync(target)).toBe(false);
  await until(() => state() === 'Closed');
  await expect(reach.get('users/ann/cold/none')).rejects.toThrow(/InvalidAccessKeyId/);
  expect(await object('log')).toBe('one\ntwo\nthree\n');
});

test('beside the mount the agent can write nothing, so that nothing lies under it', async () => {
  await world.stopServer();
  await publish();
  const shell = await startPod();
  expect(await shell(`touch ${at('x')} 2>&1 || echo refused`)).toContain('refused');
  await until(() => state() === 'Failed');
  expect(['CredentialsFailed', 'MountFailed']).toContain(reported()?.reason);
});

test('S3 away at the end: the pod goes, the files stay, and a later driver uploads them', async () => {
  await publish();
  await mounted();
  await writeFile(at('late'), 'precious');
  await world.stopServer();
  await unpublish();
  expect(existsSync(target)).toBe(false);
  expect(state()).toBe('Draining');
  await stop();
  await start();
  expect(state()).toBe('Draining');
  await world.startServer();
  await until(() => state() === 'Closed');
  expect(await object('late')).toBe('precious');
});

test('a driver and its mount process die together: mounted again, with what was written', async () => {
  await publish();
  const shell = await startPod();
  await mounted();
  await writeFile(at('kept'), 'precious');
  execFileSync('sync', [at('kept')]);
  await stop();
  process.kill(rclonePid(), 'SIGKILL');
  await start();
  await until(async () => (await shell(`cat ${at('kept')}`)) === 'precious');
  expect(await readFile(at('kept'), 'utf8')).toBe('precious');
});
