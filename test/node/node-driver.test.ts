import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { homesDir } from '../../src/node/home-paths.ts';
import { csiSocketPath } from '../../src/node/kubelet-registration.ts';
import { makeMounts } from '../../src/node/mounts.ts';
import { makeNodeDriver, type NodeDriver } from '../../src/node/node-driver.ts';
import { noMetrics } from '../../src/node/node-metrics.ts';
import type { ObjectStore } from '../../src/workspace/object-store.ts';
import { connectCsi, type CsiClient } from './support/csi-client.ts';
import { driverSettings } from './support/driver-settings.ts';
import { makeEffects } from './support/effects.ts';
import { makeFakeBucket, unreachable, type FakeBucket } from './support/fake-bucket.ts';
import { makeFakeCold } from './support/fake-cold.ts';
import { makeFakeCluster, NODE, type FakeCluster } from './support/fake-cluster.ts';

const TOKEN_OF_NOBODY = '{"workspace.matrx.dev":{"token":"token of nobody"}}';

// Real sockets, real mounts, real time: these tests need root, as the driver does. They wait for answers, never for time.
describe('the node driver', () => {
  let folder: string;
  let kubeletDir: string;
  let target: string;
  let bucket: FakeBucket;
  let cluster: FakeCluster;
  let driver: NodeDriver;
  let node: CsiClient;
  const clients: CsiClient[] = [];

  const makeDriver = (): NodeDriver =>
    makeNodeDriver(
      {
        kube: cluster.client(makeEffects()),
        store: { name: 's3://bucket' } as unknown as ObjectStore,
        openHome: bucket.openHome(makeEffects()),
        checkStorage: () => Promise.resolve({ ok: true }),
        mounts: makeMounts(),
        cold: makeFakeCold(),
        clock: systemClock,
        random: systemRandom,
        log: pino({ level: 'silent' }),
        metrics: noMetrics,
      },
      driverSettings(folder, kubeletDir),
    );
  const connect = (socketPath: string, service: string): CsiClient => {
    const client = connectCsi(socketPath, service);
    clients.push(client);
    return client;
  };
  const start = async (): Promise<void> => {
    driver = makeDriver();
    await driver.part.start({ signal: new AbortController().signal, fail: () => undefined });
    node = connect(csiSocketPath(kubeletDir), 'csi.v1.Node');
  };
  const register = async (pluginRegistered: boolean): Promise<void> => {
    const socket = path.join(kubeletDir, 'plugins_registry', 'workspace.matrx.dev-reg.sock');
    await connect(socket, 'pluginregistration.Registration').call('NotifyRegistrationStatus', { pluginRegistered });
  };
  const publish = (change: object = {}): Promise<unknown> =>
    node.call('NodePublishVolume', {
      volumeId: 'csi-1',
      targetPath: target,
      volumeCapability: { mount: {} },
      secrets: {
        'csi.storage.k8s.io/serviceAccount.tokens': '{"workspace.matrx.dev":{"token":"token of pod-uid"}}',
      },
      volumeContext: { tier: 'hot' },
      ...change,
    });
  const unpublish = (): Promise<unknown> => node.call('NodeUnpublishVolume', { volumeId: 'csi-1', targetPath: target });

  beforeEach(async () => {
    folder = await mkdtemp('/dev/shm/matrx-driver-');
    kubeletDir = path.join(folder, 'kubelet');
    target = path.join(kubeletDir, 'pods', 'pod-uid', 'volumes', 'kubernetes.io~csi', 'home', 'mount');
    await mkdir(path.dirname(target), { recursive: true });
    bucket = makeFakeBucket({ old: 'from before' });
    cluster = makeFakeCluster();
    await start();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    bucket.fail(undefined);
    await driver.part.stop();
    await makeMounts().unbind(target);
    execFileSync('umount', [homesDir(path.join(folder, 'state'))]);
    await rm(folder, { recursive: true });
  });

  test('introduces itself to kubelet and is ready once kubelet has taken it', async () => {
    const socket = path.join(kubeletDir, 'plugins_registry', 'workspace.matrx.dev-reg.sock');
    const registration = connect(socket, 'pluginregistration.Registration');
    expect(await registration.call('GetInfo')).toEqual({
      type: 'CSIPlugin',
      name: 'workspace.matrx.dev',
      endpoint: csiSocketPath(kubeletDir),
      supportedVersions: ['1.0.0'],
    });
    const kubelet = driver.readiness.find(({ name }) => name === 'kubelet');
    expect(kubelet?.check().ok).toBe(false);
    await register(true);
    expect(kubelet?.check().ok).toBe(true);
    await register(false);
    expect(kubelet?.check().ok).toBe(false);
  });

  test('says who it is and that it can do nothing but publish', async () => {
    const identity = connect(csiSocketPath(kubeletDir), 'csi.v1.Identity');
    expect(await identity.call('GetPluginInfo')).toEqual({ name: 'workspace.matrx.dev', vendorVersion: '1.2.3' });
    expect(await identity.call('Probe')).toEqual({ ready: { value: true } });
    expect(await identity.call('GetPluginCapabilities')).toEqual({});
    expect(await node.call('NodeGetInfo')).toEqual({ nodeId: NODE });
    expect(await node.call('NodeGetCapabilities')).toEqual({});
  });

  test('refuses for good only where nothing is mounted: of what is, kubelet must hear that it has to be taken away', async () => {
    const foreign = { secrets: { 'csi.storage.k8s.io/serviceAccount.tokens': TOKEN_OF_NOBODY } };
    await expect(publish(foreign)).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await publish();
    await expect(publish(foreign)).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining('TokenRejected'),
    });
    await unpublish();
    await expect(publish(foreign)).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  });

  test('mounts the restored home and, at the end, has everything in the bucket and nothing on the node', async () => {
    await publish();
    await publish();
    expect(await readFile(path.join(target, 'old'), 'utf8')).toBe('from before');
    const table = await readFile('/proc/self/mountinfo', 'utf8');
    expect(table).toMatch(new RegExp(`${target} rw,nosuid,nodev`));
    await writeFile(path.join(target, 'new'), 'by the agent');
    await unpublish();
    await unpublish();
    expect(bucket.files()).toEqual({ old: 'from before', new: 'by the agent' });
    await expect(stat(target)).rejects.toThrow('ENOENT');
  });

  test('lets nobody but root near the homes', async () => {
    await publish();
    for (const name of ['state', 'state/homes', 'state/homes/ann', 'state/homes/ann/1']) {
      expect(await stat(path.join(folder, name))).toMatchObject({ uid: 0, mode: 0o40700 });
    }
    expect(await stat(target)).toMatchObject({ uid: 1000, gid: 1000, mode: 0o40700 });
  });

  test.each([
    [
      'a stolen token',
      { secrets: { 'csi.storage.k8s.io/serviceAccount.tokens': '{"workspace.matrx.dev":{"token":"x"}}' } },
      status.UNAUTHENTICATED,
      /TokenRejected/,
    ],
    ['no token', { secrets: {} }, status.FAILED_PRECONDITION, /tokenRequests/],
    ['a target that is not kubelet’s', { targetPath: '/etc' }, status.INVALID_ARGUMENT, /not below/],
  ])('refuses %s', async (_name, change, code, details) => {
    await expect(publish(change)).rejects.toMatchObject({ code, details: expect.stringMatching(details) });
    expect(await readdir(homesDir(path.join(folder, 'state')))).toEqual([]);
  });

  test('refuses a pod that no Sandbox has recorded, and says so on the pod', async () => {
    cluster.set('Sandbox', 'demo', {
      metadata: { name: 'demo', uid: 'sandbox-uid' },
      spec: { userId: 'ann' },
      status: { podName: 'demo', podUid: 'the real one' },
    });
    const refusal = expect.stringMatching(/NotTheSandboxsPod: pod demo is not the pod of Sandbox demo/);
    await expect(publish()).rejects.toMatchObject({ code: status.PERMISSION_DENIED, details: refusal });
    await expect(publish()).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    expect(cluster.created('Event')).toEqual([
      expect.objectContaining({ reason: 'NotTheSandboxsPod', regarding: expect.objectContaining({ uid: 'pod-uid' }) }),
    ]);
  });

  test('refuses a second volume of the same pod', async () => {
    await publish();
    const second = path.join(path.dirname(path.dirname(target)), 'twice', 'mount');
    await expect(publish({ volumeId: 'csi-2', targetPath: second })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('mounts its workspace twice'),
    });
  });

  test('leaves the mount when it stops, answers who waits, and its successor finds everything', async () => {
    await publish();
    await writeFile(path.join(target, 'new'), 'by the agent');
    await driver.part.stop();
    expect(await readFile(path.join(target, 'new'), 'utf8')).toBe('by the agent');
    expect(bucket.files()).toMatchObject({ new: 'by the agent' });
    // A killed predecessor leaves its socket behind.
    await writeFile(csiSocketPath(kubeletDir), '');
    await start();
    expect(driver.views().map(({ record }) => record.state)).toEqual(['Open']);
    await writeFile(path.join(target, 'last'), 'words');
    await unpublish();
    expect(bucket.files()).toMatchObject({ new: 'by the agent', last: 'words' });
  });

  test('answers a call that waits for S3 when it stops', async () => {
    bucket.fail(unreachable());
    const waiting = publish();
    waiting.catch(() => undefined);
    const answered = expect(waiting).rejects.toMatchObject({ code: status.UNAVAILABLE });
    await connect(csiSocketPath(kubeletDir), 'csi.v1.Identity').call('Probe');
    await driver.part.stop();
    await answered;
    await start();
  });
});
