import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tarFailure } from '../../src/workspace/tar-process.ts';
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

/** From now on, writing these files of a state directory gives ENOSPC. */
const fill = ({ state }: TestHome, files: readonly string[]): void => {
  for (const file of files) {
    rmSync(join(state, file), { force: true });
    symlinkSync('/dev/full', join(state, file));
  }
};
const free = ({ state }: TestHome, files: readonly string[]): void => {
  for (const file of files) rmSync(join(state, file), { force: true });
};
const EVERYTHING = ['index.json.new', 'index-manifest.json.gz.new', 'journal.json.new', 'uploaded'];

describe.each([
  ['the index', ['index.json.new', 'index-manifest.json.gz.new']],
  ['the journal', ['journal.json.new']],
  ['anything', EVERYTHING],
])('where the disk has no room for %s', (_what, files) => {
  test('what is on it is saved all the same, and a restart knows it [F17]', async () => {
    writeFileSync(join(home.folder, 'file'), 'content');
    await home.commit({});
    fill(home, files);
    writeFileSync(join(home.folder, 'file'), 'changed');
    expect(await home.commit({})).toMatchObject({ committed: true, head: { sequence: 2 } });
    expect(await home.commit({ final: true })).toMatchObject({ committed: false });
    await home.close();

    home = await homes.open('epoch-1', 1);
    expect(await home.restore({})).toMatchObject({ resumed: true });
    expect(await home.commit({ final: true })).toMatchObject({ dirty: 0 });
    free(home, files);
    writeFileSync(join(home.folder, 'file'), 'changed again');
    expect(await home.commit({})).toMatchObject({ committed: true });
    expect(existsSync(join(home.state, 'index.json'))).toBe(true);
    expect(readTree((await homes.next()).folder)).toEqual(readTree(home.folder));
  });

  test('and a writer that is fenced stays fenced', async () => {
    writeFileSync(join(home.folder, 'file'), 'content');
    await homes.next();
    fill(home, files);
    await expect(home.commit({})).rejects.toMatchObject({ reason: 'Fenced' });
    await expect(home.commit({})).rejects.toMatchObject({ reason: 'Fenced' });
  });
});

test('a restore without room for its journal is DiskFull, and not taken for done', async () => {
  writeFileSync(join(home.folder, 'file'), 'content');
  await home.commit({});
  const other = await homes.open('other', 2);
  fill(other, ['journal.json.new']);
  await expect(other.restore({})).rejects.toMatchObject({ reason: 'DiskFull' });
  await expect(other.commit({})).rejects.toMatchObject({ reason: 'NotRestored' });
  free(other, ['journal.json.new']);
  expect(await other.restore({})).toMatchObject({ resumed: false });
  expect(readTree(other.folder)).toEqual(readTree(home.folder));
});

test.each([
  'tar: a/b: Wrote only 512 of 10240 bytes\ntar: a/b: Cannot write: No space left on device',
  'Disk quota exceeded',
])('tar that says %j met a full disk', (said) => {
  expect(tarFailure('/home', said, 'exit code 2')).toMatchObject({ reason: 'DiskFull' });
  expect(tarFailure('/home', 'tar: something else', 'exit code 2').name).toBe('Error');
});
