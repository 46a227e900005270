import { afterEach, beforeEach, expect, test, jest } from '@jest/globals';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ObjectStore } from '../../src/workspace/object-store.ts';
import { operationIs, type FaultAction } from '../support/fake-s3/faults.ts';
import { makeTestHomes, PREFIX, type TestHome, type TestHomes } from '../support/workspace/test-homes.ts';
import { setTime } from '../support/workspace/odd-tree.ts';
import { restoreManifest } from '../support/workspace/restore-manifest.ts';
import { readTree } from '../support/workspace/tree.ts';

// Not a measure: other work on the machine must not fail it.
jest.setTimeout(300_000);

let homes: TestHomes;
beforeEach(async () => {
  homes = await makeTestHomes();
});
afterEach(() => homes.close());

const write = (home: TestHome, name: string, content: string): void => writeFileSync(join(home.folder, name), content);
const head = (): Record<string, unknown> =>
  JSON.parse(homes.fake.buckets.get('test')!.get(`${PREFIX}.ws/HEAD`)!.body.toString()) as Record<string, unknown>;

test('HEAD says what the contract says', async () => {
  const home = await homes.next();
  write(home, 'file', 'content');
  await home.commit({});
  const { manifest, manifestSha256 } = head() as { manifest: string; manifestSha256: string };
  expect(manifest).toBe(`.ws/manifests/0000000001-0000000001-${manifestSha256.slice(0, 8)}.json.gz`);
  expect(head()).toMatchObject({
    format: 1,
    epoch: 1,
    sequence: 1,
    writer: 'sandbox/epoch-1 on test',
    files: 1,
    bytes: 7,
  });
  const body = homes.fake.buckets.get('test')!.get(PREFIX + manifest)!.body;
  expect(JSON.parse(gunzipSync(body).toString())).toMatchObject({ format: 1, parent: null, sequence: 1 });
});

test('a newer writer fences the older one, whose files are kept under conflicts/', async () => {
  const older = await homes.next();
  write(older, 'shared', 'old');
  await older.commit({});
  const newer = await homes.next();
  write(newer, 'shared', 'new');
  await newer.commit({});

  write(older, 'unsaved', 'must not be lost');
  await expect(older.commit({})).rejects.toMatchObject({
    reason: 'Fenced',
    message:
      'HEAD is held by sandbox/epoch-2 on test with epoch 2; this writer has epoch 1 and may not commit any more',
  });
  const { manifest } = await older.saveConflict({});
  expect(await older.saveConflict({})).toEqual({ manifest });
  expect(manifest).toMatch(/^\.ws\/conflicts\/0000000001-[0-9a-f]{16}\.json\.gz$/);
  expect(readTree(await restoreManifest(homes, manifest))).toEqual(readTree(older.folder));
  expect(readTree((await homes.next()).folder)).toEqual(readTree(newer.folder));
});

test('a claim alone fences: the older writer loses before the newer has committed', async () => {
  const older = await homes.next();
  write(older, 'file', 'content');
  await older.commit({});
  await homes.next();
  write(older, 'file', 'later');
  await expect(older.commit({})).rejects.toMatchObject({ reason: 'Fenced' });
  expect(head()).toMatchObject({ epoch: 2, sequence: 1 });
});

test('fenced is for good: over a restart, without asking S3', async () => {
  const older = await homes.next();
  await homes.next();
  write(older, 'file', 'content');
  await expect(older.commit({})).rejects.toMatchObject({ reason: 'Fenced' });
  await older.close();
  const again = await homes.open('epoch-1', 1);
  const requests = homes.fake.log.length;
  await expect(again.restore({})).rejects.toMatchObject({ reason: 'Fenced' });
  await expect(again.commit({})).rejects.toMatchObject({ reason: 'Fenced' });
  expect(homes.fake.log.length).toBe(requests);
  expect((await again.saveConflict({})).manifest).toMatch(/^\.ws\/conflicts\//);
});

test('a late writer of an old epoch cannot restore', async () => {
  await homes.open('late', 1);
  const late = await homes.open('late', 1);
  const current = await homes.open('current', 2);
  await current.restore({});
  await expect(late.restore({})).rejects.toMatchObject({ reason: 'Fenced' });
});

test('of two writers with the same epoch the second is fenced', async () => {
  const [one, two] = [await homes.open('one', 1), await homes.open('two', 1)];
  const claims = await Promise.allSettled([one.restore({}), two.restore({})]);
  expect(claims.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('a home whose state was lost is another writer, even with the same epoch', async () => {
  const home = await homes.next();
  write(home, 'file', 'content');
  await home.commit({});
  await home.close();
  rmSync(home.state, { recursive: true });
  rmSync(home.folder, { recursive: true });
  const again = await homes.open('epoch-1', 1);
  await expect(again.restore({})).rejects.toMatchObject({ reason: 'Fenced' });
});

test('a claim that races with the commits of an older writer takes the last of them', async () => {
  const older = await homes.next();
  write(older, 'file', 'one');
  let raced = false;
  const racing: ObjectStore = {
    ...homes.store,
    put: async (key, body, options) => {
      if (!raced) {
        raced = true;
        await older.commit({});
      }
      return homes.store.put(key, body, options);
    },
  };
  const newer = await homes.open('newer', 2, { store: racing });
  await newer.restore({});
  expect(readTree(newer.folder)).toEqual(readTree(older.folder));
  expect(head()).toMatchObject({ epoch: 2, sequence: 1 });
});

const LOST: readonly FaultAction[] = [
  { kind: 'resetAfter' },
  { kind: 'hangAfter' },
  { kind: 'answer', status: 500, code: 'InternalError', applied: true },
  { kind: 'answer', status: 503, code: 'SlowDown', applied: true },
];

test.each(LOST)('a HEAD whose answer was lost by $kind $status counts once', async (action) => {
  const home = await homes.next();
  write(home, 'file', 'content');
  homes.fake.faults.add({ when: operationIs('PutObject', 'HEAD'), action, times: 1 });
  expect(await home.commit({})).toMatchObject({ committed: true, head: { sequence: 1 } });
  expect(head()).toMatchObject({ sequence: 1 });
  write(home, 'file', 'next');
  expect(await home.commit({})).toMatchObject({ committed: true, head: { sequence: 2 } });
});

test.each(LOST)('a first claim whose answer was lost by $kind $status is found to be ours', async (action) => {
  homes.fake.faults.add({ when: operationIs('PutObject', 'HEAD'), action, times: 1 });
  const home = await homes.next();
  write(home, 'file', 'content');
  expect(await home.commit({})).toMatchObject({ head: { sequence: 1 } });
});

test('a commit that won unseen is not lost and not contradicted: even when its change is taken back', async () => {
  const home = await homes.next();
  mkdirSync(join(home.folder, 'kept'));
  await home.commit({});
  const original = readTree(home.folder);
  write(home, 'kept/file', 'content');
  // The HEAD is swapped, and then S3 is gone for a while.
  homes.fake.faults.add({ when: operationIs('PutObject', 'HEAD'), action: { kind: 'resetAfter' }, times: 1 });
  homes.fake.faults.add({ when: operationIs('GetObject', 'HEAD'), action: { kind: 'resetBefore' }, times: 4 });
  await expect(home.commit({})).rejects.toMatchObject({ name: 'StoreError', reason: 'Unreachable' });
  expect(head()).toMatchObject({ sequence: 2 });

  rmSync(join(home.folder, 'kept/file'));
  const { mtimeNs } = original.find(({ path }) => path === 'kept')!;
  setTime(
    join(home.folder, 'kept'),
    `@${mtimeNs / 1_000_000_000n}.${String(mtimeNs % 1_000_000_000n).padStart(9, '0')}`,
  );
  expect(await home.commit({ final: true })).toMatchObject({ committed: true, head: { sequence: 3 } });
  expect(readTree((await homes.next()).folder)).toEqual(original);
});

test('a server that takes the delete marker of HEAD for an object is told of in words, with what to do', async () => {
  const refused = { kind: 'answer', status: 412, code: 'PreconditionFailed' } as const;
  homes.fake.faults.add({ when: operationIs('PutObject', 'HEAD'), action: refused });
  await expect(homes.next()).rejects.toMatchObject({
    name: 'HomeError',
    reason: 'Corrupt',
    message: expect.stringMatching(
      /^s3:\/\/test\/users\/ann\/\.ws\/HEAD was deleted, .*remove the delete markers .* to begin anew, delete all versions/,
    ),
  });
  homes.fake.faults.clear();
  await homes.next();
});

test('packs and manifests that a server takes for stored because of a marker are stored all the same', async () => {
  const home = await homes.next();
  write(home, 'file', 'content');
  const refused = { kind: 'answer', status: 412, code: 'PreconditionFailed' } as const;
  homes.fake.faults.add(
    { when: operationIs('PutObject', '/packs/'), action: refused, times: 1 },
    { when: operationIs('PutObject', '/manifests/'), action: refused, times: 1 },
  );
  expect(await home.commit({})).toMatchObject({ committed: true });
  const next = await homes.next();
  expect(readTree(next.folder)).toEqual(readTree(home.folder));
});

test('a bucket that was emptied stops the writer, and all of its files are stored again', async () => {
  const home = await homes.next();
  write(home, 'file', 'content');
  await home.commit({});
  homes.fake.buckets.get('test')!.clear();
  write(home, 'more', 'more');
  await expect(home.commit({})).rejects.toMatchObject({
    reason: 'Fenced',
    message: expect.stringContaining('deleted'),
  });
  const { manifest } = await home.saveConflict({});
  expect(readTree(await restoreManifest(homes, manifest))).toEqual(readTree(home.folder));
});
