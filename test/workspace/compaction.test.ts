import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packsToRewrite } from '../../src/workspace/compaction.ts';
import type { HomeIndex, IndexRecord } from '../../src/workspace/home-index.ts';
import { decodeManifest } from '../../src/workspace/manifest.ts';
import { readHeadCommit } from '../../src/workspace/read-commit.ts';
import { memberBytes, tarHeader } from '../../src/workspace/tar-format.ts';
import { verifyCommit } from '../../src/workspace/verify-commit.ts';
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

const headManifest = async () => (await readHeadCommit({ store: homes.store, prefix: PREFIX }))!.commit!.manifest;

/** Of a commit that was just made: read where it lies, for there are many. */
const packsOf = async (manifest = ''): Promise<number> => {
  const { body } = homes.fake.buckets.get('test')!.get(PREFIX + manifest)!;
  return (await decodeManifest(body, manifest)).packs.size;
};

test('a home that changes a little all the time does not fall apart into ever more packs', async () => {
  const counts: number[] = [];
  for (let i = 0; i < 150; i++) {
    writeFileSync(join(home.folder, `file ${i}`), `content ${i}`);
    const { head } = await home.commit({});
    counts.push(await packsOf(head.manifest));
  }
  expect(Math.max(...counts)).toBe(65);
  expect(counts.at(-1)).toBeLessThan(50);
  expect(await verifyCommit({ store: homes.store, prefix: PREFIX }, await headManifest())).toEqual([]);
  expect(readTree((await homes.next()).folder)).toEqual(readTree(home.folder));
});

test('packs that are mostly dead are rewritten, once', async () => {
  mkdirSync(join(home.folder, 'many'));
  for (let i = 0; i < 300; i++) writeFileSync(join(home.folder, `many/${i}`), `content ${i}`);
  await home.commit({});
  const [before] = (await headManifest()).packs.keys();
  for (let i = 0; i < 250; i++) rmSync(join(home.folder, `many/${i}`));
  await home.commit({});
  const packs = (await headManifest()).packs;
  // The commit that removes the files sees them dead; the next one rewrites what is left.
  writeFileSync(join(home.folder, 'one more'), 'x');
  await home.commit({});
  const after = (await headManifest()).packs;
  expect([packs.has(before!), after.has(before!), after.size]).toEqual([true, false, 1]);
  writeFileSync(join(home.folder, 'and another'), 'y');
  await home.commit({});
  expect((await headManifest()).packs.size).toBe(2);
  expect(readTree((await homes.next()).folder)).toEqual(readTree(home.folder));
});

const indexOf = (packs: readonly { readonly bytes: number; readonly files: readonly number[] }[]): HomeIndex => {
  const records = new Map<string, IndexRecord>();
  packs.forEach(({ files }, n) => {
    files.forEach((size, i) => {
      const content = { kind: 'packed', sha256: '', pack: `pack ${n}`, offset: i } as const;
      const entry = { type: 'file', path: `${n}/${i}`, mode: 0o644, mtimeNs: 0n, size, content } as const;
      records.set(entry.path, { entry, inode: 0n, ctimeNs: 0n, checkedNs: 0n });
    });
  });
  return { manifest: 'm', records, packs: new Map(packs.map(({ bytes }, n) => [`pack ${n}`, bytes])) };
};
const FULL = { bytes: 8 << 20, files: [3 << 20, 3 << 20, 2_000_000] };

test('full packs are left alone, however many', () => {
  expect(packsToRewrite(indexOf(Array.from({ length: 500 }, () => FULL))).size).toBe(0);
});

test('one commit rewrites a bounded amount', () => {
  const small = { bytes: 3 << 20, files: [3 << 20] };
  expect(packsToRewrite(indexOf(Array.from({ length: 200 }, () => small))).size).toBe(21);
});

test('the headers of small files are not taken for waste', () => {
  expect(memberBytes('name', 10)).toBe(4 * 512);
  const tiny = { bytes: 2048 * 1000, files: Array.from({ length: 1000 }, () => 10) };
  expect(packsToRewrite(indexOf([tiny])).size).toBe(0);
});

test.each([
  ['a short name', 'short'],
  ['a long name', 'n'.repeat(200)],
  ['bytes', '\xff'],
  ['a very long path', `${'long/'.repeat(500)}name`],
])('the estimate for %s is what tar takes', (_what, path) => {
  const member = {
    path,
    kind: 'file',
    mode: 0o644,
    mtimeNs: 1_700_000_000_123_456_789n,
    size: 0,
    ownerId: 1000,
  } as const;
  expect(memberBytes(path, 0)).toBe(tarHeader(member).length);
});
