import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import type { WorkspaceCold } from '../../../src/api/workspace-cold.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { coldPaths } from '../../../src/node/cold/cold-record.ts';
import { markNewUser } from '../../../src/node/cold/mark-new-user.ts';
import { homesDir } from '../../../src/node/home-paths.ts';
import { csiSocketPath } from '../../../src/node/kubelet-registration.ts';
import { makeMounts } from '../../../src/node/mounts.ts';
import { makeNodeDriver, type NodeDriver } from '../../../src/node/node-driver.ts';
import { noMetrics } from '../../../src/node/node-metrics.ts';
import type { ObjectStore } from '../../../src/workspace/object-store.ts';
import { eventually } from '../../support/e2e/eventually.ts';
import { boundPod } from '../support/bound-pod.ts';
import { connectCsi, type CsiClient } from '../support/csi-client.ts';
import { makeEffects } from '../support/effects.ts';
import { makeFakeBucket, type FakeBucket } from '../support/fake-bucket.ts';
import { makeFakeCluster, NODE, type FakeCluster } from '../support/fake-cluster.ts';
import { type FakeCold, makeFakeCold, writeUnsent } from '../support/fake-cold.ts';

// Real sockets and real mounts, as root; what is mounted is memory in place of a bucket.
describe('a cold volume', () => {
  let folder: string;
  let kubeletDir: string;
  let hot: string;
  let cold: string;
  let bucket: FakeBucket;
  let cluster: FakeCluster;
  let fake: FakeCold;
  let driver: NodeDriver;
  let node: CsiClient;
  let saveWaitMs: number;
  /** Objects of 3 bytes that are in the bucket; undefined: it does not answer. */
  let objects: number | undefined;
  let listed: number;
  let written: string[];

  const put = (key: string, body: Uint8Array): Promise<{ readonly etag: string }> => {
    written.push(`${key} ${body.length}`);
    return objects === undefined ? Promise.reject(new Error('S3 is away')) : Promise.resolve({ etag: '"e"' });
  };

  async function* list(prefix: string): AsyncGenerator<{ readonly key: string; readonly size: number }> {
    if (objects === undefined) throw new Error('S3 is away');
    for (let n = 0; n < objects; n += 1) {
      listed += 1;
      yield await Promise.resolve({ key: `${prefix}${n}`, size: 3 });
    }
  }

  const start = async (): Promise<void> => {
    driver = makeNodeDriver(
      {
        kube: cluster.client(makeEffects()),
        store: { name: 's3://bucket', list, put } as unknown as ObjectStore,
        openHome: bucket.openHome(makeEffects()),
        checkStorage: () => Promise.resolve({ ok: true }),
        mounts: makeMounts(),
        cold: fake,
        clock: systemClock,
        random: systemRandom,
        log: pino({ level: 'silent' }),
        metrics: noMetrics,
      },
      {
        node: NODE,
        namespace: 'sandboxes',
        systemNamespace: 'matrx-system',
        stateDir: path.join(folder, 'state'),
        coldDir: path.join(folder, 'state', 'cold'),
        kubeletDir,
        bucket: 'bucket',
        version: '1.2.3',
        ownerId: 1000,
        rpoMs: 10_000,
        saveWaitMs,
        drainMs: 5000,
      },
    );
    await driver.part.start({ signal: new AbortController().signal, fail: () => undefined });
    node = connectCsi(csiSocketPath(kubeletDir), 'csi.v1.Node');
  };
  const stop = async (): Promise<void> => {
    node.close();
    await driver.part.stop();
  };
  const publish = (tier: 'hot' | 'cold', change: object = {}): Promise<unknown> =>
    node.call('NodePublishVolume', {
      volumeId: `csi-${tier}`,
      targetPath: tier === 'hot' ? hot : cold,
      volumeCapability: { mount: {} },
      secrets: {
        'csi.storage.k8s.io/serviceAccount.tokens': '{"workspace.matrx.dev":{"token":"token of pod-uid"}}',
      },
      volumeContext: { tier },
      ...change,
    });
  const unpublish = (tier: 'hot' | 'cold'): Promise<unknown> =>
    node.call('NodeUnpublishVolume', { volumeId: `csi-${tier}`, targetPath: tier === 'hot' ? hot : cold });
  const reported = (): WorkspaceCold | undefined => cluster.status().cold;
  const until = (what: string, holds: () => boolean | Promise<boolean>): Promise<boolean> =>
    eventually(what, holds, { deadlineMs: 120_000, everyMs: 20 });
  const untilState = (state: WorkspaceCold['state']): Promise<boolean> =>
    until(`it is ${state}`, () => reported()?.state === state);
  const isMounted = (target: string): Promise<boolean> => makeMounts().isMounted(target);
  const paths = () => coldPaths(path.join(folder, 'state', 'cold'), 'ann', 1);

  beforeEach(async () => {
    folder = await mkdtemp('/dev/shm/matrx-cold-');
    kubeletDir = path.join(folder, 'kubelet');
    const volumes = path.join(kubeletDir, 'pods', 'pod-uid', 'volumes', 'kubernetes.io~csi');
    hot = path.join(volumes, 'home', 'mount');
    cold = path.join(volumes, 'cold', 'mount');
    for (const target of [hot, cold]) await mkdir(path.dirname(target), { recursive: true });
    bucket = makeFakeBucket({ old: 'from before' });
    cluster = makeFakeCluster();
    fake = makeFakeCold();
    saveWaitMs = 30_000;
    [objects, listed, written] = [2, 0, []];
    await start();
  });
  afterEach(async () => {
    await stop();
    for (const target of [path.join(cold, 'cold'), cold, hot, paths().outbox]) await makeMounts().unbind(target);
    execFileSync('umount', [homesDir(path.join(folder, 'state'))]);
    await rm(folder, { recursive: true });
  });

  test('is there before it is mounted, beside the home, and the Workspace knows of it by then', async () => {
    const gate = Promise.withResolvers<void>();
    fake.gate = gate.promise;
    await Promise.all([publish('hot'), publish('cold')]);
    expect(reported()).toMatchObject({ epoch: 1, node: NODE, state: 'Mounting' });
    expect(await isMounted(cold)).toBe(true);
    expect(fake.targets).toEqual([]);
    gate.resolve();
    await untilState('Mounted');
    expect(fake.targets).toEqual([path.join(cold, 'cold')]);
    expect(reported()).toMatchObject({ isolation: 'prefix' });
    expect(await readFile(path.join(hot, 'old'), 'utf8')).toBe('from before');
    await publish('cold');
    expect(fake.targets).toHaveLength(1);
  });

  describe('of a pod that has just been bound to the node', () => {
    const id = `csi-${createHash('sha256').update('pod-uidcold').digest('hex')}`;
    const bind = async (): Promise<void> => {
      await stop();
      cluster.set('Pod', 'demo', undefined);
      await start();
      // Pods, and Workspaces that are to be purged.
      await until('the driver watches', () => cluster.watchers() === 2);
      cluster.set('Pod', 'demo', boundPod('cold', 'cold'));
      await until('it is reported', () => reported()?.state === 'Mounting');
    };

    test('is reported before kubelet asks, and mounted when it does', async () => {
      await bind();
      await publish('cold', { volumeId: id });
      await untilState('Mounted');
      expect(fake.targets).toEqual([path.join(cold, 'cold')]);
    });

    test('is the one that kubelet asks for, by whatever id', async () => {
      await bind();
      await publish('cold');
      await untilState('Mounted');
      await unpublish('cold');
      await untilState('Closed');
      expect(await isMounted(cold)).toBe(false);
    });

    test('is closed when the pod goes before kubelet asks: nothing was mounted', async () => {
      await bind();
      cluster.set('Pod', 'demo', undefined);
      await untilState('Closed');
      expect(fake.targets.filter((target) => target.startsWith(cold))).toEqual([]);
    });
  });

  test('that cannot be mounted does not hold up the pod, and says why', async () => {
    fake.fault = new Error('this node has no /dev/fuse');
    await publish('cold');
    await untilState('Failed');
    expect(reported()).toMatchObject({ reason: 'MountFailed', message: 'this node has no /dev/fuse' });
    fake.fault = undefined;
    await untilState('Mounted');
    expect(reported()).not.toHaveProperty('reason');
  });

  test('is mounted at the same place again when its mount has died', async () => {
    await publish('cold');
    await untilState('Mounted');
    fake.crash('it was killed');
    await until('it is mounted anew', () => fake.targets.length === 2);
    expect(new Set(fake.targets)).toEqual(new Set([path.join(cold, 'cold')]));
    await untilState('Mounted');
  });

  test('waits at the end for what is being uploaded, shows it, and then leaves nothing', async () => {
    await publish('cold');
    await untilState('Mounted');
    fake.sending = false;
    writeUnsent(paths().mount, 12);
    const ended = unpublish('cold');
    await until('it says what is unsent', () => reported()?.unsent?.files === 12);
    expect(reported()).toMatchObject({ state: 'Draining', unsent: { files: 12, bytes: 1200 } });
    fake.sending = true;
    await ended;
    expect(existsSync(cold)).toBe(false);
    await untilState('Closed');
    await until('its folder is gone', () => !existsSync(paths().root));
    await unpublish('cold');
  });

  const closeWith = async (inBucket: number | undefined): Promise<unknown> => {
    objects = inBucket;
    await publish('cold');
    await untilState('Mounted');
    expect(cluster.status().coldUsage).toBeUndefined();
    expect(listed).toBe(0);
    await unpublish('cold');
    await untilState('Closed');
    return cluster.status().coldUsage;
  };

  test('of a new user marks their folder in the bucket; nobody else’s is marked again', async () => {
    const log = pino({ level: 'silent' });
    const { signal } = new AbortController();
    for (const epoch of [1, 2, 70]) await markNewUser({ put }, { prefix: 'users/eve/', epoch }, log, signal);
    expect(written).toEqual(['users/eve/cold/ 0']);
  });

  test('says at its end what is in the bucket, and asks for it only then', async () => {
    const usage = await closeWith(7);
    expect(written).toEqual(['users/ann/cold/ 0']);
    expect(usage).toEqual({ objects: 7, bytes: 21, complete: true, countedAt: expect.any(String) });
  });

  test('puts an end to the credentials of its user when it is closed, and not before', async () => {
    await publish('cold');
    await untilState('Mounted');
    expect(fake.revoked).toEqual([]);
    await unpublish('cold');
    await untilState('Closed');
    expect(fake.revoked).toEqual(['ann']);
  });

  test('of very many objects counts ten thousand, and says that there are more', async () => {
    expect(await closeWith(1_000_000)).toMatchObject({ objects: 10_000, bytes: 30_000, complete: false });
    expect(listed).toBe(10_001);
  });

  test('is closed all the same where the bucket does not let itself be counted', async () => {
    expect(await closeWith(undefined)).toBeUndefined();
  });

  /** A pod that has gone while three files were left, for which its end did not wait long. */
  const endWithUnsent = async (): Promise<void> => {
    await stop();
    saveWaitMs = 100;
    await start();
    await publish('cold');
    await untilState('Mounted');
    fake.sending = false;
    writeUnsent(paths().mount, 3);
    await unpublish('cold');
  };

  test('lets the pod go when the uploads take too long, and sends the rest from a folder of its own', async () => {
    await endWithUnsent();
    expect(existsSync(cold)).toBe(false);
    expect(reported()?.state).toBe('Draining');
    await until('it is mounted for the rest', () => fake.targets.at(-1) === paths().outbox);
    fake.sending = true;
    await untilState('Closed');
    await until('its folder is gone', () => !existsSync(paths().root));
  });

  test('that the driver did not live to upload is uploaded by the next one', async () => {
    await endWithUnsent();
    await stop();
    expect(reported()?.state).toBe('Draining');
    fake.sending = true;
    await start();
    await untilState('Closed');
    expect(existsSync(cold)).toBe(false);
  });

  test('is mounted again by a driver that comes after a reboot, without kubelet asking', async () => {
    await publish('cold');
    await untilState('Mounted');
    await stop();
    for (const target of [path.join(cold, 'cold'), cold]) await makeMounts().unbind(target);
    await start();
    await until('it is mounted', () => fake.targets.length === 2);
    expect(await isMounted(cold)).toBe(true);
    await publish('cold');
    expect(await isMounted(path.join(cold, 'cold'))).toBe(true);
  });

  test('holds up the next pod of the workspace until everything is uploaded', async () => {
    await endWithUnsent();
    await expect(publish('cold', { volumeId: 'csi-next' })).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining('still being uploaded'),
    });
    fake.sending = true;
    await until('its folder is gone', () => !existsSync(paths().root));
    await publish('cold', { volumeId: 'csi-next' });
  });

  test('is mounted by the program that its pod names, by the next driver as well; another one is refused', async () => {
    await publish('cold', { volumeContext: { tier: 'cold', driver: 'mount-s3' } });
    await untilState('Mounted');
    await stop();
    await start();
    await until('it is mounted again', () => fake.by.length === 2);
    expect(fake.by).toEqual(['mount-s3', 'mount-s3']);
    await expect(publish('cold', { volumeContext: { tier: 'cold', driver: 's3fs' } })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('volumeAttributes.driver is "s3fs": use "rclone" or "mount-s3"'),
    });
  });

  test('is one for each pod', async () => {
    await publish('cold');
    const second = path.join(path.dirname(path.dirname(cold)), 'twice', 'mount');
    await expect(publish('cold', { volumeId: 'csi-2', targetPath: second })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('mounts cold storage twice'),
    });
  });

  test('is verified as the home is', async () => {
    const stolen = { 'csi.storage.k8s.io/serviceAccount.tokens': '{"workspace.matrx.dev":{"token":"x"}}' };
    await expect(publish('cold', { secrets: stolen })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    expect(existsSync(paths().root)).toBe(false);
  });

  test('of a pod that is no more is let go of without kubelet', async () => {
    await publish('cold');
    await untilState('Mounted');
    await stop();
    for (const target of [path.join(cold, 'cold'), cold]) await makeMounts().unbind(target);
    await rm(path.dirname(cold), { recursive: true });
    cluster.set('Pod', 'demo', undefined);
    await start();
    await untilState('Closed');
  });

  test('whose epoch was given up, because the node was lost, is called closed once all is sent, and not before', async () => {
    await publish('cold');
    await untilState('Mounted');
    fake.sending = false;
    writeUnsent(paths().mount, 3);
    cluster.setWriter({ sandbox: 'next', uid: 'another', epoch: 2, acquiredAt: '2026-01-01T01:00:00Z' });
    await stop();
    for (const target of [path.join(cold, 'cold'), cold]) await makeMounts().unbind(target);
    await rm(path.dirname(cold), { recursive: true });
    cluster.set('Pod', 'demo', undefined);
    saveWaitMs = 200;
    await start();
    await until('it is mounted for the rest', () => fake.targets.at(-1) === paths().outbox);
    expect(reported()).toMatchObject({ epoch: 1, state: 'Mounted' });
    fake.sending = true;
    await untilState('Closed');
    expect(reported()).toMatchObject({ epoch: 1, node: NODE });
    // They are those of the next one's mount by now.
    await until('nothing of it is left', () => !existsSync(paths().root));
    expect(fake.revoked).toEqual([]);
  });

  test('does not speak over the volume of a later epoch', async () => {
    await publish('cold');
    await untilState('Mounted');
    cluster.setWriter({ sandbox: 'next', uid: 'another', epoch: 2, acquiredAt: '2026-01-01T01:00:00Z' });
    const later = { epoch: 2, node: 'elsewhere', state: 'Mounted', updatedAt: '2026-01-01T01:00:01Z' } as const;
    cluster.setCold(later);
    await unpublish('cold');
    await until('nothing of it is left', () => !existsSync(paths().root));
    expect(reported()).toEqual(later);
  });

  test('whose journal cannot be read stays as it is', async () => {
    await publish('cold');
    await untilState('Mounted');
    await stop();
    await writeFile(paths().journal, '{');
    await start();
    expect(existsSync(paths().mount)).toBe(true);
    expect(fake.targets).toHaveLength(1);
  });
});
