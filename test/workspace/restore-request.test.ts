import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { readCommitLog } from '../../src/workspace/commit-log.ts';
import type { RestoreRequest } from '../../src/workspace/home.ts';
import type { ObjectStore } from '../../src/workspace/object-store.ts';
import { readCommitAt } from '../../src/workspace/read-commit.ts';
import { INTERNAL_ERROR, SLOW_DOWN, type FaultAction } from '../support/fake-s3/faults.ts';
import type { FakeRequest } from '../support/fake-s3/requests.ts';
import { makeTestHomes, PREFIX, type TestHome, type TestHomes } from '../support/workspace/test-homes.ts';
import { readTree } from '../support/workspace/tree.ts';

// Not a measure: other work on the machine must not fail it.
jest.setTimeout(300_000);

let homes: TestHomes;
let home: TestHome;
/** The trees and manifests of commits 1, 2 and 3. */
let trees: readonly ReturnType<typeof readTree>[];
let manifests: readonly string[];

beforeEach(async () => {
  homes = await makeTestHomes();
  home = await homes.next();
  const committed: { readonly tree: ReturnType<typeof readTree>; readonly manifest: string }[] = [];
  for (const round of [1, 2, 3]) {
    writeFileSync(join(home.folder, 'small'), `round ${round}`);
    writeFileSync(join(home.folder, `only in ${round}`), `round ${round}`);
    rmSync(join(home.folder, `only in ${round - 1}`), { force: true });
    if (round !== 2) writeFileSync(join(home.folder, 'large'), Buffer.alloc((4 << 20) + round, `${round}`));
    const { head } = await home.commit({ final: true });
    committed.push({ tree: readTree(home.folder), manifest: head.manifest ?? '' });
  }
  trees = committed.map(({ tree }) => tree);
  manifests = committed.map(({ manifest }) => manifest);
});
afterEach(() => homes.close());

let epoch = 1;
const begin = async (request: RestoreRequest | undefined, store = homes.store): Promise<TestHome> => {
  const next = await homes.open(`session ${++epoch}`, epoch, { store });
  await next.restore({ request });
  return next;
};
const log = async (limit = 20) => (await readCommitLog({ store: homes.store, prefix: PREFIX }, limit))!;
const sequences = async (): Promise<readonly number[]> => (await log()).commits.map(({ sequence }) => sequence);
const keys = (part: string): readonly string[] =>
  [...homes.fake.buckets.get('test')!.keys()].filter((key) => key.includes(part));

describe('a session that is to begin with an older commit', () => {
  test('begins with its tree, as a new commit on top of the others', async () => {
    const session = await begin({ requestId: 'r1', manifest: manifests[0] });
    expect(readTree(session.folder)).toEqual(trees[0]);
    const { head, commits } = await log();
    expect(commits.map(({ sequence }) => sequence)).toEqual([4, 3, 2, 1]);
    expect(commits.slice(1).map(({ key }) => key)).toEqual([...manifests].reverse());
    expect(head).toMatchObject({
      epoch,
      sequence: 4,
      restored: { requestId: 'r1', manifest: manifests[0], sequence: 1 },
    });
    expect(await session.commit({ final: true })).toMatchObject({ committed: false });
  });

  test('uploads nothing but a manifest and HEAD', async () => {
    const before = keys('/.ws/').length;
    await begin({ requestId: 'r1', manifest: manifests[0] });
    expect(keys('/.ws/').length).toBe(before + 1);
  });

  test('finds it by its number too', async () => {
    expect(readTree((await begin({ requestId: 'r1', sequence: 2 })).folder)).toEqual(trees[1]);
    expect((await log()).head.restored).toMatchObject({ manifest: manifests[1], sequence: 2 });
  });

  test('takes it back by asking for the one before', async () => {
    await begin({ requestId: 'r1', sequence: 1 });
    expect(readTree((await begin({ requestId: 'r2', sequence: 3 })).folder)).toEqual(trees[2]);
    expect(await sequences()).toEqual([5, 4, 3, 2, 1]);
  });

  test('does so once: what is written after that stays, in whatever session comes', async () => {
    const request = { requestId: 'r1', sequence: 1 };
    const session = await begin(request);
    writeFileSync(join(session.folder, 'after'), 'after');
    await session.commit({ final: true });
    expect((await log()).head).toMatchObject({ sequence: 5, restored: { requestId: 'r1' } });
    const later = await begin(request);
    expect(readTree(later.folder)).toEqual(readTree(session.folder));
    expect(await sequences()).toEqual([5, 4, 3, 2, 1]);
  });

  test('is left alone when it is open already', async () => {
    const session = await begin(undefined);
    expect(await session.restore({ request: { requestId: 'r1', sequence: 1 } })).toMatchObject({ resumed: true });
    expect(readTree(session.folder)).toEqual(trees[2]);
    expect((await log()).head).toMatchObject({ sequence: 3, restored: undefined });
  });

  test('can begin with what a fenced writer had not committed', async () => {
    await begin(undefined);
    writeFileSync(join(home.folder, 'unsaved'), 'must not be lost');
    await expect(home.commit({})).rejects.toMatchObject({ reason: 'Fenced' });
    const { manifest } = await home.saveConflict({});
    expect(readTree((await begin({ requestId: 'r1', manifest })).folder)).toEqual(readTree(home.folder));
  });
});

describe('a commit that cannot be had is refused, and HEAD is as it was:', () => {
  const refused = async (request: RestoreRequest, message: RegExp): Promise<void> => {
    const next = await homes.open(`session ${++epoch}`, epoch);
    await expect(next.restore({ request })).rejects.toMatchObject({
      reason: 'RestoreRefused',
      message: expect.stringMatching(message),
    });
    expect((await log(1)).head).toMatchObject({ sequence: 3, manifest: manifests[2], restored: undefined });
    await next.restore({});
    expect(readTree(next.folder)).toEqual(trees[2]);
  };
  const bucket = () => homes.fake.buckets.get('test')!;
  const missing = '.ws/manifests/0000000001-0000000009-00000000.json.gz';

  test('no such manifest', () =>
    refused({ requestId: 'r1', manifest: missing }, /^request r1 .*0000000009-00000000\.json\.gz is missing/));

  test('no such number', () => refused({ requestId: 'r1', sequence: 17 }, /go back to commit 17 .*no such commit/));

  test('no manifest at all', () => refused({ requestId: 'r1', manifest: 'packs/x' }, /is no manifest/));

  test.each(['packs', 'blobs'])('one of its %s is gone', async (part) => {
    const { manifest } = await readCommitAt({ store: homes.store, prefix: PREFIX }, manifests[0]!);
    const needed = inspect(manifest.entries, { depth: null });
    const key = keys(`/.ws/${part}/`).find((one) => needed.includes(/[0-9a-f]{64}/.exec(one)?.[0] ?? one));
    expect(bucket().delete(key!)).toBe(true);
    await refused({ requestId: 'r1', sequence: 1 }, new RegExp(`${part}/.* is missing`));
  });

  test('it is damaged', async () => {
    const key = PREFIX + manifests[0];
    bucket().set(key, { ...bucket().get(key)!, body: Buffer.from('damaged') });
    await refused({ requestId: 'r1', sequence: 1 }, /is damaged/);
  });

  test('nothing was ever committed', async () => {
    const next = await homes.open('empty', 1, { prefix: 'users/bob/' });
    await expect(next.restore({ request: { requestId: 'r1', sequence: 1 } })).rejects.toMatchObject({
      reason: 'RestoreRefused',
    });
    await next.restore({});
    expect(readTree(next.folder)).toHaveLength(1);
  });
});

const TRANSIENT: readonly FaultAction[] = [
  SLOW_DOWN,
  INTERNAL_ERROR,
  { kind: 'answer', status: 500, code: 'InternalError', applied: true },
  { kind: 'resetBefore' },
  { kind: 'resetAfter' },
];

test.each(TRANSIENT)('a $kind $status at the first of each request: it goes back, once', async (action) => {
  const request = { requestId: 'r1', sequence: 1 };
  const met = new Set<string>();
  const isFirst = ({ operation, key }: FakeRequest): boolean => {
    const size = met.size;
    return met.add(`${operation} ${key}`).size > size;
  };
  homes.fake.faults.add({ when: isFirst, action });
  const session = await begin(request).finally(() => homes.fake.faults.clear());
  expect(readTree(session.folder)).toEqual(trees[0]);
  expect(await sequences()).toEqual([4, 3, 2, 1]);
  expect(met.size).toBeGreaterThan(5);
});

test('a newer writer that comes meanwhile wins, and what it has stays HEAD', async () => {
  let thief: TestHome | undefined;
  const racing: ObjectStore = {
    ...homes.store,
    put: async (key, body, options) => {
      if (key.includes('/manifests/')) {
        thief = await homes.open('thief', epoch + 1);
        await thief.restore({});
      }
      return homes.store.put(key, body, options);
    },
  };
  await expect(begin({ requestId: 'r1', sequence: 1 }, racing)).rejects.toMatchObject({ reason: 'Fenced' });
  expect((await log()).head).toMatchObject({ sequence: 3, manifest: manifests[2] });
  expect(readTree(thief?.folder ?? '')).toEqual(trees[2]);
});
