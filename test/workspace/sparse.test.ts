import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { closeSync, lstatSync, openSync, readSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeTestHomes, type TestHome, type TestHomes } from '../support/workspace/test-homes.ts';
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

const MIB = 2 ** 20;
const TIB = 2 ** 40;
const at = (path: string): string => join(home.folder, path);
const writeAt = (path: string, position: number, text: string): void => {
  const fd = openSync(path, 'r+');
  writeSync(fd, text, position);
  closeSync(fd);
};
const readAt = (path: string, position: number, length: number): string => {
  const fd = openSync(path, 'r');
  const into = Buffer.alloc(length);
  readSync(fd, into, 0, length, position);
  closeSync(fd);
  return into.toString('latin1');
};

test('a terabyte of nothing, with a little in it, costs what is in it, and comes back as holes', async () => {
  writeFileSync(at('nothing'), '');
  truncateSync(at('nothing'), TIB);
  writeFileSync(at('islands'), 'at the start');
  truncateSync(at('islands'), TIB + 12_345);
  // Not on the disk yet: the file system must know of it all the same.
  writeAt(at('islands'), TIB / 2 - 3, 'across a border');
  writeAt(at('islands'), TIB + 12_340, 'end');

  expect(await home.commit({ final: true })).toMatchObject({
    committed: true,
    dirty: 0,
    head: { bytes: 2 * TIB + 12_345 },
  });
  expect(homes.fake.log.filter(({ key }) => key.includes('blobs'))).toHaveLength(4);
  const restored = await homes.next();
  expect(readTree(restored.folder, 0)).toEqual(readTree(home.folder, 0));
  const islands = join(restored.folder, 'islands');
  expect(readAt(islands, 0, 13)).toBe('at the start\0');
  expect(readAt(islands, TIB / 2 - 4, 17)).toBe('\0across a border\0');
  expect(readAt(islands, TIB + 12_339, 6)).toBe('\0end\0\0');
  expect(lstatSync(islands).blocks * 512).toBeLessThan(64 * MIB);
  expect(lstatSync(join(restored.folder, 'nothing')).blocks).toBe(0);
  expect(await restored.commit({})).toMatchObject({ committed: false });
});

test('filling a hole is a change', async () => {
  writeFileSync(at('file'), '');
  truncateSync(at('file'), 200 * MIB);
  await home.commit({});
  writeAt(at('file'), 100 * MIB, 'filled');
  expect(await home.commit({})).toMatchObject({ committed: true });
  expect(readTree((await homes.next()).folder, 1024 * MIB)).toEqual(readTree(home.folder, 1024 * MIB));
});

test('zeros that were written are no data, and cost nothing', async () => {
  writeFileSync(at('zeros'), Buffer.alloc(80 * MIB));
  await home.commit({});
  expect(homes.fake.log.filter(({ key }) => key.includes('blobs'))).toHaveLength(0);
  expect(readTree((await homes.next()).folder, 1024 * MIB)).toEqual(readTree(home.folder, 1024 * MIB));
});
