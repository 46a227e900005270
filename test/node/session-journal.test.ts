import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { homePaths, homesDir } from '../../src/node/home-paths.ts';
import { makeSessionJournal, type SessionJournal } from '../../src/node/session-journal.ts';
import { aRecord } from './support/record.ts';

describe('the journal', () => {
  let stateDir: string;
  let journal: SessionJournal;

  beforeEach(async () => {
    stateDir = await mkdtemp('/dev/shm/matrx-journal-');
    await mkdir(homesDir(stateDir));
    journal = makeSessionJournal({ stateDir, ownerId: 1000 });
  });
  afterEach(() => rm(stateDir, { recursive: true }));

  test('gives back what was saved last', async () => {
    const first = aRecord();
    const second = aRecord({ workspace: 'bob.blog', epoch: 12 });
    await journal.create(first);
    await journal.create(second);
    await journal.save({ ...first, state: 'Open', openedAt: '2026-01-01T00:00:00Z' });
    const { records, unreadable } = await journal.load();
    expect(unreadable).toEqual([]);
    expect(records).toEqual(
      expect.arrayContaining([{ ...first, state: 'Open', openedAt: '2026-01-01T00:00:00Z' }, second]),
    );
  });

  test('makes a home that the agent owns, in folders that only root may enter', async () => {
    await journal.create(aRecord());
    const { root, home, state } = homePaths(stateDir, 'ann', 1);
    expect(await stat(home)).toMatchObject({ uid: 1000, gid: 1000, mode: 0o40700 });
    for (const folder of [root, state, path.dirname(root)]) {
      expect(await stat(folder)).toMatchObject({ uid: 0, mode: 0o40700 });
    }
  });

  test('can be created again after a death on the way, and leaves the files that are there', async () => {
    await journal.create(aRecord());
    const { home } = homePaths(stateDir, 'ann', 1);
    await writeFile(path.join(home, 'file'), 'text');
    await journal.create(aRecord());
    expect(await readFile(path.join(home, 'file'), 'utf8')).toBe('text');
  });

  test('takes a folder away in which a driver died before its first journal', async () => {
    const { root } = homePaths(stateDir, 'ann', 1);
    await mkdir(root, { recursive: true });
    await writeFile(path.join(root, 'session.json.tmp'), '{"for');
    expect(await journal.load()).toEqual({ records: [], unreadable: [] });
    expect(await readdir(path.dirname(root))).toEqual([]);
  });

  test.each([
    ['is damaged', '{"format": 1'],
    ['is of another format', JSON.stringify({ ...aRecord(), format: 2 })],
    ['is about another home', JSON.stringify(aRecord({ workspace: 'bob' }))],
    ['names a folder outside', JSON.stringify(aRecord({ workspace: '../../etc' }))],
  ])('that %s is named, and its home is left alone', async (_name, text) => {
    await journal.create(aRecord());
    const { root, home, journal: file } = homePaths(stateDir, 'ann', 1);
    await writeFile(file, text);
    const { records, unreadable } = await journal.load();
    expect(records).toEqual([]);
    expect(unreadable.map(({ folder }) => folder)).toEqual([root]);
    expect((await stat(home)).isDirectory()).toBe(true);
  });

  test.each(['..', 'Ann', 'a/b', '', '.trash', 'a..b', 'a\nb'])('refuses %j as the name of a folder', (name) => {
    expect(() => homePaths(stateDir, name, 1)).toThrow(RangeError);
  });
});
