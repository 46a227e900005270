import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { beforeEach, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { EntriesPage } from '../../src/sandboxd/protocol/files.ts';
import { daemonOfEachTest } from './support/daemon.ts';
import { ask, encodeBytes } from './support/files.ts';

const { daemon, at } = daemonOfEachTest();

describe('stat', () => {
  test('says what there is, to the nanosecond', async () => {
    writeFileSync(at('f'), 'hello', { mode: 0o640 });
    execFileSync('touch', ['-d', '2024-02-29T12:34:56.123456789Z', at('f')]);
    const { body } = await ask(daemon(), 'GET', 'stat', { path: 'f' });
    expect(body).toEqual({
      path: at('f'),
      name: 'f',
      kind: 'file',
      size: 5,
      mode: 0o640,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
      modifiedAt: '2024-02-29T12:34:56.123456789Z',
      etag: expect.any(String),
    });
  });

  test.each([
    ['1969-12-31T23:59:59.5Z', '1969-12-31T23:59:59.500000000Z'],
    ['1910-01-01T00:00:00Z', '1910-01-01T00:00:00.000000000Z'],
    ['2400-01-01T00:00:00.000000001Z', '2400-01-01T00:00:00.000000001Z'],
  ])('knows the time %s', async (time, shown) => {
    writeFileSync(at('f'), '');
    execFileSync('touch', ['-d', time, at('f')]);
    expect((await ask(daemon(), 'GET', 'stat', { path: 'f' })).body.modifiedAt).toBe(shown);
  });

  test('follows a symlink, or says where it leads', async () => {
    mkdirSync(at('dir'));
    symlinkSync('dir', at('link'));
    symlinkSync('nowhere', at('dangling'));
    expect((await ask(daemon(), 'GET', 'stat', { path: 'link' })).body).toMatchObject({
      path: at('link'),
      kind: 'directory',
    });
    const itself = (await ask(daemon(), 'GET', 'stat', { path: 'link', follow: '0' })).body;
    expect(itself).toMatchObject({ kind: 'symlink', target: 'dir' });
    expect((await ask(daemon(), 'GET', 'stat', { path: 'dangling' })).status).toBe(404);
    expect((await ask(daemon(), 'GET', 'stat', { path: 'dangling', follow: '0' })).body.target).toBe('nowhere');
  });

  test('knows what is neither file nor directory', async () => {
    expect((await ask(daemon(), 'GET', 'stat', { path: '/dev/null' })).body.kind).toBe('other');
    expect((await ask(daemon(), 'GET', 'stat', { path: '/' })).body).toMatchObject({ path: '/', name: '' });
  });
});

const list = (parameters: Record<string, string | number | Buffer>) =>
  ask<EntriesPage & { code: string; reason?: string }>(daemon(), 'GET', 'entries', { path: '.', ...parameters });
const listed = ({ body }: { body: EntriesPage }): readonly string[] =>
  body.entries.map(({ path }) => path.slice(daemon().home.length + 1));

describe('listing', () => {
  test('gives what is in a directory, in order, symlinks as they are', async () => {
    for (const name of ['b', 'a', 'a-', '.hidden', 'Z']) writeFileSync(at(name), '');
    mkdirSync(at('a.d/below'), { recursive: true });
    symlinkSync('/', at('root'));
    const page = await list({});
    expect(listed(page)).toEqual(['.hidden', 'Z', 'a', 'a-', 'a.d', 'b', 'root']);
    expect(page.body.next).toBeNull();
    expect(page.body.entries.find(({ name }) => name === 'root')).toMatchObject({ kind: 'symlink', target: '/' });
  });

  test('goes as deep as it is asked to, a directory before what is in it', async () => {
    mkdirSync(at('a/b/c'), { recursive: true });
    writeFileSync(at('a-'), '');
    writeFileSync(at('a/b/c/f'), '');
    symlinkSync('..', at('a/up'));
    expect(listed(await list({ depth: 1 }))).toEqual(['a', 'a-']);
    expect(listed(await list({ depth: 2 }))).toEqual(['a', 'a/b', 'a/up', 'a-']);
    expect(listed(await list({ depth: 9 }))).toEqual(['a', 'a/b', 'a/b/c', 'a/b/c/f', 'a/up', 'a-']);
  });

  test('in pages of any size is what it is in one', async () => {
    const name = fc.constantFrom('a', 'b', 'a-', 'a.b', 'é', 'z');
    const tree = fc.uniqueArray(fc.array(name, { minLength: 1, maxLength: 3 }), { selector: (p) => p.join('/') });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        tree,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        async (dirs, limit, depth) => {
          const root = `run-${run++}`;
          mkdirSync(at(root));
          for (const parts of dirs) mkdirSync(at(`${root}/${parts.join('/')}`), { recursive: true });
          const whole = await list({ path: root, depth });
          const paged: string[] = [];
          let after: string | null = null;
          do {
            const query = `path=${root}&depth=${depth}&limit=${limit}${after === null ? '' : `&after=${after}`}`;
            const page = (await (await daemon().fetch(`/matrx/entries?${query}`)).json()) as EntriesPage;
            expect(page.entries.length).toBeLessThanOrEqual(limit);
            paged.push(...page.entries.map(({ path }) => path));
            after = page.next;
          } while (after !== null);
          expect(paged).toEqual(whole.body.entries.map(({ path }) => path));
          // As `find` has it, in the order of bytes with / before all.
          const found = execFileSync('find', ['.', '-mindepth', '1', '-maxdepth', String(depth)], { cwd: at(root) });
          const wanted = found
            .toString()
            .split('\n')
            .filter(Boolean)
            .map((line) => line.slice(2));
          expect(paged.map((path) => path.slice(at(root).length + 1))).toEqual(wanted.sort(byParts));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('of very many entries comes page by page, without holding them all', async () => {
    for (let n = 0; n < 5000; n++) writeFileSync(at(`f${String(n).padStart(5, '0')}`), '');
    const first = await list({ limit: 100 });
    expect(listed(first)).toEqual(Array.from({ length: 100 }, (_, n) => `f${String(n).padStart(5, '0')}`));
    expect(listed(await list({ limit: 2, after: at('f04996') }))).toEqual(['f04997', 'f04998']);
    expect((await list({ limit: 10, after: at('f04998') })).body).toMatchObject({ next: null });
  });

  test('names entries that are no UTF-8 so that one can ask for them and go on after them', async () => {
    for (const byte of [0xfd, 0xfe, 0xff])
      writeFileSync(Buffer.concat([Buffer.from(at('')), Buffer.from([0x2f, byte])]), '');
    const page = await list({ limit: 2 });
    expect(page.body.entries.map(({ encodedPath }) => encodedPath)).toEqual([
      `${daemon().home}/%FD`,
      `${daemon().home}/%FE`,
    ]);
    expect(page.body.next).toBe(`${daemon().home}/%FE`);
    const rest = (await (
      await daemon().fetch(`/matrx/entries?path=.&after=${page.body.next ?? ''}`)
    ).json()) as EntriesPage;
    expect(rest.entries.map(({ encodedPath }) => encodedPath)).toEqual([`${daemon().home}/%FF`]);
    expect(encodeBytes(Buffer.from([0xff]))).toBe('%FF');
  });

  test.each([
    ['a file', { path: 'f' }, 'not_directory'],
    ['nothing', { path: 'missing' }, undefined],
    ['a depth of none', { depth: 0 }, undefined],
    ['too large a page', { limit: 10_001 }, undefined],
    ['a page of nothing', { limit: 'x' }, undefined],
  ])('refuses %s', async (_what, parameters, reason) => {
    writeFileSync(at('f'), '');
    const answer = await list(parameters);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.body.reason).toBe(reason);
  });
});

/** `/` comes before everything. */
const byParts = (a: string, b: string): number => {
  const [x, y] = [a, b].map((path) => Buffer.from(path.replaceAll('/', '\x01')));
  return Buffer.compare(x ?? Buffer.alloc(0), y ?? Buffer.alloc(0));
};

describe('making a directory', () => {
  const make = (path: string, parameters: Record<string, string> = {}) =>
    ask(daemon(), 'POST', 'directories', { path, ...parameters });

  test('makes it once', async () => {
    expect(await make('d', { mode: '0700' })).toMatchObject({ status: 201, body: { kind: 'directory', mode: 0o700 } });
    expect(await make('d')).toMatchObject({ status: 409, body: { code: 'already_exists' } });
  });

  test('with those above it, as often as one likes', async () => {
    expect((await make('a/b/c')).status).toBe(404);
    expect((await make('a/b/c', { parents: '1' })).status).toBe(201);
    expect((await make('a/b/c', { parents: '1' })).status).toBe(200);
  });

  test('does not take a file for one', async () => {
    writeFileSync(at('f'), '');
    for (const [path, parents] of [
      ['f', '1'],
      ['f', '0'],
      ['f/x', '1'],
      ['f/x', '0'],
    ] as const) {
      const { status } = await make(path, { parents });
      expect([400, 409]).toContain(status);
    }
    expect(lstatSync(at('f')).isFile()).toBe(true);
  });
});

describe('moving', () => {
  const move = (from: string, to: string, parameters: Record<string, string> = {}) =>
    ask(daemon(), 'POST', 'move', { from, to, ...parameters });

  beforeEach(() => {
    writeFileSync(at('f'), 'one');
    writeFileSync(at('g'), 'two');
    mkdirSync(at('d'));
    writeFileSync(at('d/x'), 'x');
  });

  test('gives a file or a directory another name', async () => {
    expect((await move('f', 'new')).body).toMatchObject({ path: at('new'), size: 3 });
    expect((await move('d', 'e')).body.kind).toBe('directory');
    expect(readdirSync(daemon().home).sort()).toEqual(['e', 'g', 'new']);
    expect(readFileSync(at('e/x'), 'utf8')).toBe('x');
  });

  test('replaces only when it is asked to', async () => {
    expect(await move('f', 'g')).toMatchObject({ status: 409, body: { code: 'already_exists' } });
    expect((await move('f', 'g', { overwrite: '1' })).status).toBe(200);
    expect(readFileSync(at('g'), 'utf8')).toBe('one');
  });

  test('makes the directories above the new name only when it is asked to', async () => {
    expect((await move('f', 'a/b')).status).toBe(404);
    expect((await move('f', 'a/b', { parents: '1' })).status).toBe(200);
  });

  test('moves a symlink and not what it leads to', async () => {
    symlinkSync('f', at('link'));
    await move('link', 'other');
    expect(lstatSync(at('other')).isSymbolicLink()).toBe(true);
    expect(existsSync(at('f'))).toBe(true);
  });

  test.each([
    ['what is not there', 'missing', 'x', 404],
    ['into itself', 'd', 'd/x/y', 400],
    ['a directory over a full one', 'd', 'full', 400],
    ['a file over a directory', 'f', 'd', 400],
    ['the root', '/', 'x', 400],
    ['onto the root', 'f', '/', 400],
  ])('refuses %s', async (_what, from, to, status) => {
    mkdirSync(at('full/of'), { recursive: true });
    expect((await move(from, to, { overwrite: '1' })).status).toBe(status);
  });

  test('goes between file systems, with times, modes and links, and names that are no UTF-8', async () => {
    const other = `/dev/shm/matrx-test-${process.pid}`;
    mkdirSync(other);
    try {
      const time = new Date('2020-01-01T00:00:00Z');
      symlinkSync('x', at('d/link'));
      utimesSync(at('d/x'), time, time);
      const from = Buffer.concat([Buffer.from(at('d/')), Buffer.from([0xff])]);
      writeFileSync(from, 'odd');
      const answer = await ask(daemon(), 'POST', 'move', { from: 'd', to: Buffer.from(`${other}/m\xfcved`, 'latin1') });
      expect(answer.status).toBe(200);
      expect(existsSync(at('d'))).toBe(false);
      const moved = Buffer.from(`${other}/m\xfcved/`, 'latin1');
      const below = (name: string): Buffer => Buffer.concat([moved, Buffer.from(name, 'latin1')]);
      expect(lstatSync(below('x')).mtime).toEqual(time);
      expect(lstatSync(below('link')).isSymbolicLink()).toBe(true);
      expect(readFileSync(below('\xff'), 'utf8')).toBe('odd');
    } finally {
      execFileSync('rm', ['-rf', other]);
    }
  });
});

describe('removing', () => {
  const remove = (path: string, parameters: Record<string, string> = {}) =>
    ask(daemon(), 'DELETE', 'files', { path, ...parameters });

  test('takes a file, a symlink and an empty directory', async () => {
    writeFileSync(at('f'), '');
    symlinkSync('f', at('link'));
    mkdirSync(at('d'));
    expect((await remove('link')).status).toBe(204);
    expect(readdirSync(daemon().home).sort()).toEqual(['d', 'f']);
    for (const path of ['f', 'd']) expect((await remove(path)).status).toBe(204);
    expect(readdirSync(daemon().home)).toEqual([]);
  });

  test('takes a full directory only when it is asked to, and follows no symlink out of it', async () => {
    mkdirSync(at('d/a/b'), { recursive: true });
    mkdirSync(at('kept'));
    writeFileSync(at('kept/f'), '');
    symlinkSync('../kept', at('d/link'));
    for (let n = 0; n < 1000; n++) writeFileSync(at(`d/a/${n}`), '');
    writeFileSync(Buffer.concat([Buffer.from(at('d/')), Buffer.from([0xff])]), '');
    expect(await remove('d')).toMatchObject({ status: 400, body: { reason: 'not_empty' } });
    expect((await remove('d', { recursive: '1' })).status).toBe(204);
    expect(readdirSync(daemon().home)).toEqual(['kept']);
    expect(existsSync(at('kept/f'))).toBe(true);
  });

  test('refuses what is not there, and the root', async () => {
    expect((await remove('missing')).status).toBe(404);
    expect((await remove('missing', { recursive: '1' })).status).toBe(404);
    expect((await remove('/', { recursive: '1' })).status).toBe(400);
  });
});
