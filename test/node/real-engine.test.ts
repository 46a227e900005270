import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { homePaths, homesDir } from '../../src/node/home-paths.ts';
import { csiSocketPath } from '../../src/node/kubelet-registration.ts';
import { makeMounts } from '../../src/node/mounts.ts';
import { makeNodeDriver, type NodeDriver } from '../../src/node/node-driver.ts';
import { noMetrics } from '../../src/node/node-metrics.ts';
import type { Home } from '../../src/workspace/home.ts';
import { openHome } from '../../src/workspace/open-home.ts';
import { checkBucket } from '../../src/workspace/s3/check-bucket.ts';
import type { ObjectStore } from '../../src/workspace/object-store.ts';
import { startFakeS3, type FakeS3 } from '../support/fake-s3/server.ts';
import { fakeStore } from '../support/fake-s3/store.ts';
import { connectCsi, type CsiClient } from './support/csi-client.ts';
import { driverSettings } from './support/driver-settings.ts';
import { makeEffects } from './support/effects.ts';
import { makeFakeCold } from './support/fake-cold.ts';
import { makeFakeCluster, NODE, type FakeCluster } from './support/fake-cluster.ts';

// Everything real but the API server, and an S3 that runs in this process.
describe('the node driver on the real engine', () => {
  let folder: string;
  let target: string;
  let s3: FakeS3;
  let store: ObjectStore;
  let cluster: FakeCluster;
  let driver: NodeDriver;
  let node: CsiClient;

  const start = async (): Promise<void> => {
    const kubeletDir = path.join(folder, 'kubelet');
    driver = makeNodeDriver(
      {
        kube: cluster.client(makeEffects()),
        store,
        openHome,
        checkStorage: (signal) => checkBucket(store, { random: systemRandom, signal }),
        mounts: makeMounts(),
        cold: makeFakeCold(),
        clock: systemClock,
        random: systemRandom,
        log: pino({ level: 'silent' }),
        metrics: noMetrics,
      },
      // Scans follow each other closely, so that nothing here waits for one.
      { ...driverSettings(folder, kubeletDir), bucket: 'test', ownerId: 0, rpoMs: 20 },
    );
    await driver.part.start({ signal: new AbortController().signal, fail: () => undefined });
    node = connectCsi(csiSocketPath(kubeletDir), 'csi.v1.Node');
  };
  const stop = async (): Promise<void> => {
    node.close();
    await driver.part.stop();
  };
  const publish = (): Promise<unknown> =>
    node.call('NodePublishVolume', {
      volumeId: 'csi-1',
      targetPath: target,
      volumeCapability: { mount: {} },
      secrets: {
        'csi.storage.k8s.io/serviceAccount.tokens': '{"workspace.matrx.dev":{"token":"token of pod-uid"}}',
      },
      volumeContext: { tier: 'hot' },
    });
  const unpublish = (): Promise<unknown> => node.call('NodeUnpublishVolume', { volumeId: 'csi-1', targetPath: target });
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    const giveUp = AbortSignal.timeout(60_000);
    while (!(await condition())) {
      giveUp.throwIfAborted();
      await systemClock.sleep(5);
    }
  };
  const isGone = async (): Promise<boolean> =>
    driver.views().length === 0 && !(await readdir(homesDir(path.join(folder, 'state')))).includes('ann');
  const nextEpoch = async (epoch: number): Promise<void> => {
    await until(isGone);
    cluster.setWriter({ sandbox: 'demo', uid: 'sandbox-uid', epoch, acquiredAt: '2026-01-01T00:00:00Z' });
  };
  const conflicts = (): readonly string[] =>
    [...(s3.buckets.get('test') ?? [])]
      .filter(([key]) => key.includes('/conflicts/'))
      .map(([, object]) => gunzipSync(object.body).toString());

  beforeEach(async () => {
    folder = await mkdtemp('/dev/shm/matrx-engine-');
    target = path.join(folder, 'kubelet', 'pods', 'pod-uid', 'volumes', 'kubernetes.io~csi', 'home', 'mount');
    await mkdir(path.dirname(target), { recursive: true });
    s3 = await startFakeS3();
    store = fakeStore(s3);
    cluster = makeFakeCluster();
    await start();
  });
  afterEach(async () => {
    await stop();
    await makeMounts().unbind(target);
    execFileSync('umount', [homesDir(path.join(folder, 'state'))]);
    store.close();
    await s3.close();
    await rm(folder, { recursive: true });
  });

  test('brings a home back in the next epoch, and commits while it is open', async () => {
    await publish();
    await mkdir(path.join(target, 'project'));
    await writeFile(path.join(target, 'project', 'file'), 'text', { mode: 0o750 });
    await symlink('/etc/passwd', path.join(target, 'link'));
    await until(() => cluster.status().head?.sequence !== undefined && cluster.session()?.dirty === false);
    await writeFile(path.join(target, 'last'), 'words');
    await unpublish();
    await nextEpoch(2);
    await publish();
    expect((await readdir(target)).sort()).toEqual(['last', 'link', 'project']);
    expect(await readlink(path.join(target, 'link'))).toBe('/etc/passwd');
    expect(await readFile(path.join(target, 'project', 'file'), 'utf8')).toBe('text');
    expect(cluster.session()).toMatchObject({ epoch: 2 });
  });

  describe('an older commit that the Workspace asks for', () => {
    const sequence = (): number => cluster.status().head?.sequence ?? 0;
    const twoCommits = async (): Promise<void> => {
      await publish();
      await writeFile(path.join(target, 'file'), 'old');
      // A commit may have come between the file's creation and its content: that one is not meant.
      await until(() => cluster.status().head?.bytes === 'old'.length && cluster.session()?.dirty === false);
      // Another length: a commit may come before the second file is written, too, and is not meant either.
      await writeFile(path.join(target, 'file'), 'newer');
      await writeFile(path.join(target, 'later'), 'later');
      await unpublish();
      await nextEpoch(2);
    };

    test('is what the next session begins with; the newer ones stay in the history', async () => {
      await twoCommits();
      const before = cluster.status().history ?? [];
      const old = before.find(({ files, bytes }) => files === 1 && bytes === 'old'.length);
      expect(before[0]).toMatchObject({ sequence: sequence(), files: 2 });
      cluster.askFor({ requestId: 'r1', manifest: old?.manifest });
      await publish();
      expect(await readdir(target)).toEqual(['file']);
      expect(await readFile(path.join(target, 'file'), 'utf8')).toBe('old');
      await until(() => cluster.status().restored !== undefined);
      expect(cluster.status().restored).toMatchObject({
        requestId: 'r1',
        sequence: old?.sequence,
        manifest: old?.manifest,
      });
      expect(cluster.status().history?.slice(1)).toEqual(before);
      expect(cluster.status().head?.sequence).toBe((before[0]?.sequence ?? 0) + 1);
    });

    test('does not touch a session that is open, not even over a restart of the driver', async () => {
      await twoCommits();
      await publish();
      cluster.askFor({ requestId: 'r1', sequence: 1 });
      await stop();
      await start();
      await writeFile(path.join(target, 'more'), 'more');
      await until(() => cluster.status().head?.files === 3);
      expect((await readdir(target)).sort()).toEqual(['file', 'later', 'more']);
      expect(cluster.status()).not.toHaveProperty('restored');
    });

    test('and is not there keeps the session from opening, says so, and goes when the wish does', async () => {
      await twoCommits();
      cluster.askFor({ requestId: 'r1', sequence: 99 });
      const published = publish();
      await until(() => cluster.session()?.reason === 'RestoreRefused');
      expect(cluster.session()).toMatchObject({
        state: 'Restoring',
        message: expect.stringContaining('go back to commit 99'),
      });
      cluster.askFor(undefined);
      await published;
      expect((await readdir(target)).sort()).toEqual(['file', 'later']);
      expect(cluster.session()?.reason).toBeUndefined();
    });
  });

  test('sends no request for an idle home', async () => {
    await publish();
    await until(() => cluster.session()?.state === 'Open');
    // The look at the bucket itself, when the driver starts, is six requests.
    await until(() => driver.readiness.find(({ name }) => name === 'storage')?.check().ok === true);
    const before = s3.log.length;
    for (let scans = 0; scans < 5; scans += 1) {
      const seen = driver.views()[0];
      await until(() => driver.views()[0] !== seen);
    }
    expect(s3.log.length).toBe(before);
  });

  test('goes on after a restart with a home that was changed meanwhile', async () => {
    await publish();
    await stop();
    await writeFile(path.join(target, 'meanwhile'), 'written without a driver');
    await start();
    await until(() => (cluster.status().head?.files ?? 0) === 1);
    expect(await readFile(path.join(target, 'meanwhile'), 'utf8')).toBe('written without a driver');
  });

  /** The next writer of the workspace, on another node: it has HEAD by now. */
  const goOnElsewhere = async (): Promise<Home> => {
    const other = path.join(folder, 'other');
    await mkdir(other);
    const home = await openHome({
      store,
      prefix: 'users/ann/',
      epoch: 2,
      writer: 'sandbox/other on node-2',
      home: path.join(other, 'home'),
      state: path.join(other, 'state'),
      ownerId: 0,
      clock: systemClock,
      random: systemRandom,
    });
    await home.restore({});
    return home;
  };

  test('that is fenced stores the home below conflicts/, and again as its containers left it', async () => {
    await publish();
    await writeFile(path.join(target, 'first'), '1');
    await until(() => cluster.status().head?.sequence === 1);
    const thief = await goOnElsewhere();
    await writeFile(path.join(target, 'second'), '2');
    await until(() => cluster.session()?.state === 'Conflict');
    expect(conflicts().at(-1)).toContain('second');
    await writeFile(path.join(target, 'third'), '3');
    await unpublish();
    await until(isGone);
    expect(conflicts()).toHaveLength(2);
    for (const name of ['first', 'second', 'third']) expect(conflicts().join()).toContain(name);
    await thief.close();
  });

  test('whose node was lost, and whose workspace has gone on since, says where its files are, with the writer another', async () => {
    await publish();
    await writeFile(path.join(target, 'first'), '1');
    await until(() => cluster.status().head?.sequence === 1);
    const since = '2026-01-01T00:00:00Z';
    cluster.setWriter({ sandbox: 'next', uid: 'next-uid', epoch: 2, acquiredAt: since });
    cluster.setConflicts([{ epoch: 1, node: NODE, since }]);
    const next = await goOnElsewhere();
    await writeFile(path.join(target, 'second'), '2');
    await unpublish();
    await until(isGone);
    const { conflicts: told = [] } = cluster.status();
    expect(told.map(({ epoch, node: of, manifest }) => [epoch, of, manifest === undefined])).toEqual(
      told.map(() => [1, NODE, false]),
    );
    const kept = await store.get(`users/ann/${told.at(-1)?.manifest}`);
    for (const name of ['first', 'second']) expect(gunzipSync(kept.body).toString()).toContain(name);
    expect((await next.commit({ final: true })).head).toMatchObject({ epoch: 2, files: 1 });
    await next.close();
  });

  test('never follows a link that the agent put in its way, not even when it throws the home away', async () => {
    const precious = path.join(folder, 'precious');
    await mkdir(precious);
    await writeFile(path.join(precious, 'file'), 'of the node');
    await publish();
    await symlink(precious, path.join(target, 'way-out'));
    await symlink(path.join(folder, 'state'), path.join(target, 'state'));
    await unpublish();
    await until(isGone);
    expect(await readFile(path.join(precious, 'file'), 'utf8')).toBe('of the node');
    expect(() => homePaths(path.join(folder, 'state'), '../precious', 1)).toThrow(RangeError);
  });
});
