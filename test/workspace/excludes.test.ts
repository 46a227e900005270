import { afterEach, beforeEach, describe, expect, it, test } from '@jest/globals';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytePath } from '../../src/workspace/byte-path.ts';
import { makeExcludes } from '../../src/workspace/excludes.ts';
import { makeTestHomes, type TestHomes } from '../support/workspace/test-homes.ts';
import { readTree } from '../support/workspace/tree.ts';

/** Those of the original. */
const ORIGINAL = ['*.tmp', '.DS_Store', '__pycache__/'];

describe('names that no commit takes', () => {
  test.each([
    ['a.tmp', 'file', true],
    ['.tmp', 'symlink', true],
    ['a.tmp', 'directory', true],
    ['a.tmpl', 'file', false],
    ['atmp', 'file', false],
    ['.DS_Store', 'file', true],
    ['xDS_Store', 'file', false],
    ['__pycache__', 'directory', true],
    ['__pycache__', 'file', false],
    ['line\n.tmp', 'file', true],
  ] as const)('%j, a %s: %s', (name, type, expected) => {
    expect(makeExcludes(ORIGINAL)(name, type)).toBe(expected);
  });

  it('are compared byte by byte', () => {
    expect(makeExcludes(['ä*'])(bytePath('ä1'), 'file')).toBe(true);
    expect(makeExcludes(['ä*'])('ä1', 'file')).toBe(false);
  });
});

describe('a home', () => {
  let homes: TestHomes;
  beforeEach(async () => {
    homes = await makeTestHomes();
  });
  afterEach(() => homes.close());

  const fill = (folder: string): void => {
    for (const name of ['code', 'code/__pycache__']) mkdirSync(join(folder, name));
    for (const name of ['kept', 'a.tmp', '.DS_Store', 'code/main.py', 'code/__pycache__/main.pyc', 'code/b.tmp']) {
      writeFileSync(join(folder, name), name);
    }
    linkSync(join(folder, 'kept'), join(folder, 'kept.tmp'));
  };

  it('comes back as it was where nothing is excluded: the default', async () => {
    const first = await homes.next();
    fill(first.folder);
    await first.commit({ final: true });
    expect(readTree((await homes.next()).folder)).toEqual(readTree(first.folder));
  });

  it('comes back without what is excluded, and the next commit of it has nothing to say', async () => {
    const first = await homes.open('first', 1, { excludes: ORIGINAL });
    await first.restore({});
    fill(first.folder);
    expect(await first.commit({ final: true })).toMatchObject({ committed: true, dirty: 0, skippedTotal: 0 });
    expect(await first.commit({ final: true })).toMatchObject({ committed: false });
    const second = await homes.open('second', 2, { excludes: ORIGINAL });
    await second.restore({});
    const names = readTree(second.folder).map(({ path }) => path);
    expect(names.filter((name) => name !== '').sort()).toEqual(['code', 'code/main.py', 'kept']);
    expect(await second.commit({ final: true })).toMatchObject({ committed: false });
  });
});
