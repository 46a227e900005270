import { afterEach, beforeEach, describe, expect, test, jest } from '@jest/globals';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FORBIDDEN, INTERNAL_ERROR, operationIs, SLOW_DOWN, type FaultAction } from '../support/fake-s3/faults.ts';
import { makeTestHomes, PREFIX, type TestHome, type TestHomes } from '../support/workspace/test-homes.ts';
import { readTree } from '../support/workspace/tree.ts';

// Not a measure: other work on the machine must not fail it.
jest.setTimeout(300_000);

let homes: TestHomes;
let home: TestHome;
beforeEach(async () => {
  homes = await makeTestHomes();
  home = await homes.next();
});
afterEach(() => homes.close());

const at = (path: string): string => join(home.folder, path);
const objects = (): readonly string[] =>
  [...homes.fake.buckets.get('test')!.keys()].map((key) => key.slice(PREFIX.length));
const only = (part: string): string => objects().find((key) => key.includes(part)) ?? '';
const damage = (key: string, change: (body: Buffer) => Buffer): void => {
  const bucket = homes.fake.buckets.get('test')!;
  const object = bucket.get(PREFIX + key)!;
  bucket.set(PREFIX + key, { ...object, body: change(Buffer.from(object.body)) });
};
const fill = (): void => {
  writeFileSync(at('small'), 'small');
  writeFileSync(at('large'), Buffer.alloc((4 << 20) + 1, 'large'));
};

const TRANSIENT: readonly FaultAction[] = [
  SLOW_DOWN,
  INTERNAL_ERROR,
  { kind: 'answer', status: 500, code: 'InternalError', applied: true },
  { kind: 'resetBefore' },
  { kind: 'resetAfter' },
  { kind: 'hangBefore' },
  { kind: 'hangAfter' },
];

describe('one fault at each request of a commit', () => {
  test.each(TRANSIENT)('$kind $status: the commit succeeds, once', async (action) => {
    fill();
    for (const part of ['packs', 'blobs', 'manifests', 'HEAD']) {
      homes.fake.faults.add({ when: operationIs('PutObject', part), action, times: 1 });
    }
    expect(await home.commit({})).toMatchObject({ committed: true, head: { sequence: 1 } });
    expect(readTree((await homes.next()).folder)).toEqual(readTree(home.folder));
  });
});

describe('one fault at each request of a restore', () => {
  test.each([...TRANSIENT, { kind: 'truncate' } as const, { kind: 'corrupt' } as const])(
    '$kind $status: the restore succeeds, exactly',
    async (action) => {
      fill();
      await home.commit({});
      for (const part of ['packs', 'blobs', 'manifests', 'HEAD']) {
        homes.fake.faults.add({ when: operationIs('GetObject', part), action, times: 1 });
      }
      expect(readTree((await homes.next()).folder)).toEqual(readTree(home.folder));
    },
  );
});

test('while S3 is away a commit fails and HEAD stays; once it is back the next commit has everything [F17]', async () => {
  fill();
  await home.commit({});
  writeFileSync(at('while away'), 'content');
  homes.fake.faults.add({ when: () => true, action: { kind: 'resetBefore' } });
  await expect(home.commit({})).rejects.toMatchObject({ reason: 'Unreachable' });
  await expect(home.commit({ final: true })).rejects.toMatchObject({ reason: 'Unreachable' });
  homes.fake.faults.clear();
  expect(await home.commit({ final: true })).toMatchObject({ committed: true, head: { sequence: 2 } });
  expect(readTree((await homes.next()).folder)).toEqual(readTree(home.folder));
});

test('what was uploaded before a failure is not uploaded again, even after a restart', async () => {
  writeFileSync(at('large'), Buffer.concat([0, 1, 2, 3].map((n) => Buffer.alloc(8 << 20, `${n}`))));
  homes.fake.faults.add({ when: operationIs('PutObject', 'manifests'), action: FORBIDDEN });
  await expect(home.commit({})).rejects.toMatchObject({ reason: 'Forbidden', permission: 's3:PutObject' });
  homes.fake.faults.clear();
  await home.close();
  home = await homes.open('epoch-1', 1);
  const from = homes.fake.log.length;
  expect(await home.commit({})).toMatchObject({ committed: true });
  expect(homes.fake.log.slice(from).filter(({ key }) => key.includes('blobs'))).toEqual([]);
});

test('a commit or restore that is given up leaves nothing behind that stops the next', async () => {
  writeFileSync(at('large'), Buffer.concat([0, 1, 2].map((n) => Buffer.alloc(8 << 20, `${n}`))));
  for (let i = 0; i < 20; i++) writeFileSync(at(`small ${i}`), `${i}`);
  const other = await homes.open('other', 2);
  for (let round = 0; round < 10; round++) {
    const abort = new AbortController();
    homes.fake.faults.add({ when: () => true, action: { kind: 'call', applied: false, run: () => abort.abort() } });
    await expect(home.commit({ signal: abort.signal })).rejects.toMatchObject({ reason: 'Aborted' });
    homes.fake.faults.clear();
  }
  await home.commit({ final: true });
  for (let round = 0; round < 10; round++) {
    const abort = new AbortController();
    const when = ({ key }: { readonly key: string }): boolean => /packs|blobs/.test(key);
    homes.fake.faults.add({ when, action: { kind: 'call', applied: false, run: () => abort.abort() } });
    await expect(other.restore({ signal: abort.signal })).rejects.toMatchObject({ reason: 'Aborted' });
    homes.fake.faults.clear();
  }
  await other.restore({});
  expect(readTree(other.folder)).toEqual(readTree(home.folder));
});

test('a restore that was forbidden says so and leaves nothing; repeated, it fills the home', async () => {
  fill();
  await home.commit({});
  homes.fake.faults.add({ when: operationIs('GetObject', 'packs'), action: FORBIDDEN });
  const other = await homes.open('other', 2);
  await expect(other.restore({})).rejects.toMatchObject({ reason: 'Forbidden', permission: 's3:GetObject' });
  await expect(other.commit({})).rejects.toMatchObject({ reason: 'NotRestored' });
  await expect(other.saveConflict({})).rejects.toMatchObject({ reason: 'NotRestored' });
  homes.fake.faults.clear();
  await other.restore({});
  expect(readTree(other.folder)).toEqual(readTree(home.folder));
});

describe('what is damaged in the bucket', () => {
  const flip = (body: Buffer): Buffer => {
    body[body.length >> 1]! ^= 1;
    return body;
  };
  test.each([
    [
      'a pack, in the bytes of a file',
      'packs',
      (body: Buffer) => Buffer.from(body.map((b) => (b === 's'.charCodeAt(0) ? 1 : b))),
    ],
    ['a shortened pack', 'packs', (body: Buffer) => body.subarray(0, 600)],
    ['a blob', 'blobs', flip],
    ['a shortened blob', 'blobs', (body: Buffer) => body.subarray(1)],
    ['a manifest', 'manifests', flip],
    ['HEAD', 'HEAD', (body: Buffer) => Buffer.from(body.toString().replace('"sequence": 1', '"sequence": 7'))],
    ['HEAD, which is no JSON', 'HEAD', (body: Buffer) => body.subarray(9)],
  ])('%s is never taken for the truth', async (_name, part, change) => {
    fill();
    await home.commit({});
    damage(only(part), change);
    const other = await homes.open('other', 2);
    await expect(other.restore({})).rejects.toMatchObject({
      reason: 'Corrupt',
      message: expect.stringContaining(only(part)),
    });
    await expect(other.commit({})).rejects.toMatchObject({ reason: 'NotRestored' });
  });

  test.each(['packs', 'blobs', 'manifests'])('a missing object below %s is named', async (part) => {
    fill();
    await home.commit({});
    const missing = only(part);
    homes.fake.buckets.get('test')!.delete(PREFIX + missing);
    const other = await homes.open('other', 2);
    await expect(other.restore({})).rejects.toMatchObject({
      reason: 'Corrupt',
      message: expect.stringContaining(`s3://test/${PREFIX}${missing} is missing, and a commit refers to it`),
    });
  });

  test('a HEAD of another format names both versions', async () => {
    fill();
    await home.commit({});
    damage('.ws/HEAD', () => Buffer.from('{"format": 2}'));
    const other = await homes.open('other', 2);
    await expect(other.restore({})).rejects.toMatchObject({
      reason: 'Corrupt',
      message: expect.stringMatching(/has format 2, and this version writes format 1/),
    });
  });
});

describe('the state directory', () => {
  test.each(['index.json', 'index-manifest.json.gz', 'uploaded'])('a torn %s costs time, not data', async (file) => {
    fill();
    await home.commit({});
    writeFileSync(at('more'), 'more');
    await home.close();
    writeFileSync(join(home.state, file), '{"torn":');
    home = await homes.open('epoch-1', 1);
    expect(await home.commit({ final: true })).toMatchObject({ committed: true, head: { sequence: 2 } });
    expect(readTree((await homes.next()).folder)).toEqual(readTree(home.folder));
  });

  test('an index that lost its last write is noticed: HEAD tells', async () => {
    fill();
    await home.commit({});
    const saved = readdirSync(home.state);
    expect(saved).toEqual(expect.arrayContaining(['index.json', 'journal.json']));
    rmSync(join(home.state, 'index.json'));
    await home.close();
    home = await homes.open('epoch-1', 1);
    rmSync(at('small'));
    expect(await home.commit({ final: true })).toMatchObject({ committed: true, head: { sequence: 2, files: 1 } });
  });

  test('after another boot no file is trusted to be what its times say', async () => {
    fill();
    await home.commit({});
    await home.close();
    const index = join(home.state, 'index.json');
    const saved = JSON.parse(readFileSync(index, 'utf8')) as { bootId: string };
    writeFileSync(index, JSON.stringify({ ...saved, bootId: 'another' }));
    home = await homes.open('epoch-1', 1);
    expect(await home.commit({ final: true })).toMatchObject({ committed: false });
  });

  test('a restore that had not reached the disk when the machine went down is put aside and done again', async () => {
    fill();
    await home.commit({});
    const torn = await homes.open('torn', 2, { flush: () => Promise.reject(new Error('the machine goes down')) });
    await torn.restore({});
    await torn.close();
    const file = join(torn.state, 'journal.json');
    const journal = JSON.parse(readFileSync(file, 'utf8')) as { unsyncedSince: string };
    expect(journal.unsyncedSince).toMatch(/[0-9a-f-]{36}/);
    writeFileSync(file, JSON.stringify({ ...journal, unsyncedSince: 'the boot before' }));
    writeFileSync(join(torn.folder, 'small'), '');
    writeFileSync(join(torn.folder, 'written by the user'), 'precious');

    const again = await homes.open('torn', 2);
    await expect(again.commit({})).rejects.toMatchObject({ reason: 'NotRestored' });
    const report = await again.restore({});
    expect(report).toMatchObject({ resumed: false, setAside: expect.stringContaining('.ws/conflicts/') });
    expect(readTree(again.folder)).toEqual(readTree(home.folder));
  });
});
