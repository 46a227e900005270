import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import type { Workspace } from '../../src/api/workspace.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { purgeWorkspaces } from '../../src/node/purge-workspaces.ts';
import type { ObjectStore } from '../../src/workspace/object-store.ts';
import { FORBIDDEN, operationIs } from '../support/fake-s3/faults.ts';
import type { FakeRequest } from '../support/fake-s3/requests.ts';
import { type FakeS3, startFakeS3 } from '../support/fake-s3/server.ts';
import { fakeStore } from '../support/fake-s3/store.ts';
import { allVersions, type FakeVersion, keepVersions } from '../support/fake-s3/versions.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';
import { makeEffects } from './support/effects.ts';
import { type FakeCluster, makeFakeCluster, NODE } from './support/fake-cluster.ts';

const OF_ANN = ['users/ann/.ws/HEAD', 'users/ann/.ws/packs/a.tar', 'users/ann/.ws/conflicts/c', 'users/ann/cold/x/y'];
const OF_OTHERS = ['users/ann/workspaces/notes/.ws/HEAD', 'users/anna/.ws/HEAD'];
const WORKSPACE: Workspace = {
  metadata: {
    name: 'ann',
    namespace: 'sandboxes',
    uid: 'workspace-uid',
    resourceVersion: '7',
    labels: { 'matrx.dev/purge': 'requested' },
    deletionTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: { userId: 'ann', deletionPolicy: 'Purge' },
};

let s3: FakeS3;
let store: ObjectStore;
let cluster: FakeCluster;
let clock: VirtualClock;
let ending: AbortController;
let running: Promise<void>[];

beforeEach(async () => {
  s3 = await startFakeS3();
  store = fakeStore(s3);
  for (const key of [...OF_ANN, ...OF_OTHERS]) await store.put(key, Buffer.from('1'));
  cluster = makeFakeCluster();
  cluster.setWriter(undefined);
  clock = makeVirtualClock();
  ending = new AbortController();
  running = [];
});
afterEach(async () => {
  ending.abort();
  await Promise.all(running);
  store.close();
  await s3.close();
});

const begin = (workspace: Workspace = WORKSPACE, node = NODE): void => {
  cluster.set('Workspace', workspace.metadata.name, workspace);
  const log = pino({ level: 'silent' });
  const deps = { kube: cluster.client(makeEffects()), store, clock, random: makeSeededRandom(1), log };
  running.push(purgeWorkspaces({ ...deps, namespace: 'sandboxes', node }, ending.signal));
};
const left = (): readonly string[] => [...(s3.buckets.get('test')?.keys() ?? [])].sort();
const purge = () => cluster.status().purge;
const until = async (holds: () => boolean): Promise<void> => {
  const giveUpAt = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > giveUpAt) throw new Error(`never: ${holds.toString()}; ${JSON.stringify(purge())}`);
    await clock.advanceToNext();
  }
};
/** Lets so much time pass that a driver would have acted. */
const pass = (): Promise<void> => clock.advance(60_000);

describe('a Workspace whose files are to be deleted', () => {
  test('has none of them left when the status says so, and nothing of another workspace is touched', async () => {
    begin();
    await until(() => purge()?.state === 'Purged');
    expect(left()).toEqual([...OF_OTHERS].sort());
    expect(purge()).toMatchObject({ node: NODE, objects: OF_ANN.length });
  });

  test('is not called purged before a listing has found nothing', async () => {
    begin();
    await until(() => purge()?.state === 'Purged');
    const operations = s3.log.map(({ operation }) => operation);
    const lastDeletion = operations.lastIndexOf('DeleteObjects');
    const listed = s3.log
      .slice(lastDeletion + 1)
      .flatMap(({ operation, query }) => (operation === 'ListObjectsV2' ? [query.get('prefix')] : []));
    expect(listed).toEqual(expect.arrayContaining(['users/ann/.ws/', 'users/ann/cold/']));
  });

  test('says what hinders it, and is gone on with when that is over', async () => {
    s3.faults.add({ when: operationIs('DeleteObjects'), action: FORBIDDEN });
    begin();
    await until(() => purge()?.message !== undefined);
    expect(purge()).toMatchObject({ state: 'Purging', message: expect.stringContaining('s3:DeleteObject') });
    s3.faults.clear();
    await until(() => purge()?.state === 'Purged');
    expect(left()).toEqual([...OF_OTHERS].sort());
    expect(purge()).not.toHaveProperty('message');
  });

  describe('in a bucket with versions', () => {
    const versions = (): readonly FakeVersion[] =>
      allVersions(s3.buckets.get('test')!).filter(({ key }) => OF_ANN.includes(key));
    const deletesVersions = ({ operation, body }: FakeRequest): boolean =>
      operation === 'DeleteObjects' && body.includes('<VersionId>');
    beforeEach(async () => {
      keepVersions(s3.buckets.get('test')!);
      for (const key of [...OF_ANN, ...OF_OTHERS]) await store.put(key, Buffer.from('2'));
    });

    test('has no version and no delete marker left, and those of others are all there', async () => {
      begin();
      await until(() => purge()?.state === 'Purged');
      expect(versions()).toEqual([]);
      expect(allVersions(s3.buckets.get('test')!)).toHaveLength(2 * OF_OTHERS.length);
      expect(purge()).toMatchObject({ objects: OF_ANN.length });
      expect(purge()).not.toHaveProperty('message');
      await store.put('users/ann/.ws/HEAD', Buffer.from('new'), { ifNoneMatch: true });
    });

    test.each([
      ['listed', operationIs('ListObjectVersions'), 's3:ListBucketVersions'],
      ['deleted', deletesVersions, 's3:DeleteObjectVersion'],
    ])('is purged where they may not be %s, and says that they stay', async (_what, when, permission) => {
      s3.faults.add({ when, action: FORBIDDEN });
      begin();
      await until(() => purge()?.state === 'Purged');
      expect(left()).toEqual([...OF_OTHERS].sort());
      expect(versions()).toHaveLength(3 * OF_ANN.length);
      expect(purge()).toMatchObject({ objects: OF_ANN.length, message: expect.stringContaining(permission) });
    });

    test('is not called purged when credentials have expired meanwhile: they would not come through a listing either', async () => {
      s3.faults.add({ when: operationIs('ListObjectVersions'), action: FORBIDDEN, times: 1 });
      const refused = (): boolean => s3.log.some(({ operation }) => operation === 'ListObjectVersions');
      const later = ({ operation }: FakeRequest): boolean => operation === 'ListObjectsV2' && refused();
      s3.faults.add({ when: later, action: FORBIDDEN, times: 1 });
      begin();
      await until(() => purge()?.message !== undefined);
      expect(purge()).toMatchObject({ state: 'Purging', message: expect.stringContaining('s3:ListBucket ') });
      await until(() => purge()?.state === 'Purged');
      expect(versions()).toEqual([]);
    });

    test('shows nothing again when it is cut off: the markers go when no version is left', async () => {
      let deletions = 0;
      const second = (request: FakeRequest): boolean => deletesVersions(request) && ++deletions === 2;
      s3.faults.add({ when: second, action: { kind: 'answer', status: 400, code: 'Cut' }, times: 1 });
      begin();
      await until(() => purge()?.message !== undefined);
      expect(purge()).toMatchObject({ state: 'Purging' });
      expect(left()).toEqual([...OF_OTHERS].sort());
      await until(() => purge()?.state === 'Purged');
      expect(versions()).toEqual([]);
    });
  });

  test('is taken on by one of several drivers, and by another when that one falls silent', async () => {
    cluster.setPurge({ state: 'Purging', node: 'node-2', objects: 0, updatedAt: '2026-01-01T00:00:00Z' });
    begin();
    await clock.advance(119_000);
    expect(left()).toEqual([...OF_ANN, ...OF_OTHERS].sort());
    await until(() => purge()?.state === 'Purged');
    expect(purge()?.node).toBe(NODE);
  });

  test.each<[string, Workspace, () => void]>([
    [
      'is not being deleted',
      { ...WORKSPACE, metadata: { ...WORKSPACE.metadata, deletionTimestamp: '' } },
      () => undefined,
    ],
    ['is to be retained', { ...WORKSPACE, spec: { userId: 'ann', deletionPolicy: 'Retain' } }, () => undefined],
    ['says nothing of it', { ...WORKSPACE, spec: { userId: 'ann' } }, () => undefined],
    [
      'has a name that its prefix does not follow from',
      { ...WORKSPACE, spec: { userId: 'anna', deletionPolicy: 'Purge' } },
      () => undefined,
    ],
    [
      'has a writer, as the API server says',
      WORKSPACE,
      () => cluster.setWriter({ sandbox: 'demo', uid: 'u', epoch: 1, acquiredAt: '2026-01-01T00:00:00Z' }),
    ],
  ])('is left alone while it %s', async (_what, workspace, prepare) => {
    prepare();
    const { deletionTimestamp, ...metadata } = workspace.metadata;
    begin(deletionTimestamp === '' ? { ...workspace, metadata } : workspace);
    await pass();
    expect(left()).toEqual([...OF_ANN, ...OF_OTHERS].sort());
    expect(purge()).toBeUndefined();
  });

  test('is tried again when the API server does not answer', async () => {
    cluster.fail(new KubeError('Unreachable', 'no route'));
    begin();
    await pass();
    expect(left()).toEqual([...OF_ANN, ...OF_OTHERS].sort());
    cluster.fail(undefined);
    await until(() => purge()?.state === 'Purged');
    expect(left()).toEqual([...OF_OTHERS].sort());
  });
});
