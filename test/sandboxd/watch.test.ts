import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { FileEvent } from '../../src/sandboxd/protocol/files.ts';
import { daemonOfEachTest } from './support/daemon.ts';
import { ask } from './support/files.ts';

const { daemon, at } = daemonOfEachTest();
let watches: AbortController[] = [];

beforeEach(() => {
  watches = [];
});
afterEach(() => {
  for (const watch of watches) watch.abort();
});

interface Watch {
  /** Reads until such an event came; gives all since the last call, each as `type path` or `moved from -> path`. */
  readonly until: (line: string) => Promise<readonly string[]>;
  readonly next: () => Promise<FileEvent | undefined>;
}

const watch = async (parameters = 'path=.', root = daemon().home): Promise<Watch> => {
  const end = new AbortController();
  watches.push(end);
  const answer = await daemon().fetch(`/matrx/watch?${parameters}`, { signal: end.signal });
  expect(answer.status).toBe(200);
  const body = Readable.fromWeb(answer.body as never).on('error', () => undefined);
  const lines = createInterface({ input: body })[Symbol.asyncIterator]();
  const next = async (): Promise<FileEvent | undefined> => {
    const { value } = (await lines.next()) as { value: string | undefined };
    return value === undefined ? undefined : (JSON.parse(value) as FileEvent);
  };
  expect(await next()).toEqual({ type: 'ready', path: root });
  const short = (path: string): string => (path === root ? '.' : path.slice(root.length + 1));
  return {
    next,
    until: async (line) => {
      const seen: string[] = [];
      for (;;) {
        const event = await next();
        if (event === undefined) throw new Error(`the watch ended after ${JSON.stringify(seen)}`);
        const from = event.from === undefined ? '' : `${short(event.from)} -> `;
        seen.push(`${event.type} ${from}${short(event.path)}`);
        if (seen.at(-1) === line) return seen;
      }
    },
  };
};

describe('a watch', () => {
  test('tells what is made, changed and removed', async () => {
    const { until } = await watch();
    writeFileSync(at('f'), 'one');
    expect(await until('created f')).toEqual(['created f']);
    appendFileSync(at('f'), 'two');
    expect((await until('changed f')).every((line) => line === 'changed f')).toBe(true);
    unlinkSync(at('f'));
    expect((await until('removed f')).filter((line) => line !== 'changed f')).toEqual(['removed f']);
    mkdirSync(at('d'));
    symlinkSync('f', at('link'));
    expect(await until('created link')).toEqual(['created d', 'created link']);
  });

  test('tells a change of rights from one of content', async () => {
    writeFileSync(at('f'), '');
    mkdirSync(at('d'));
    const { until } = await watch();
    chmodSync(at('f'), 0o600);
    expect(await until('attributes f')).toEqual(['attributes f']);
    chmodSync(at('d'), 0o700);
    expect(await until('attributes d')).toEqual(['attributes d']);
  });

  test('pairs the two halves of a move, and not those of another', async () => {
    writeFileSync(at('a'), '');
    mkdirSync(at('d'));
    writeFileSync(join('/dev/shm', `matrx-${process.pid}`), '');
    const { until } = await watch('path=.&recursive=1');
    renameSync(at('a'), at('b'));
    expect(await until('moved a -> b')).toEqual(['moved a -> b']);
    renameSync(at('b'), at('d/c'));
    expect(await until('moved b -> d/c')).toEqual(['moved b -> d/c']);
    renameSync(at('d/c'), `${daemon().home}-outside`);
    expect(await until('removed d/c')).toEqual(['removed d/c']);
    renameSync(`${daemon().home}-outside`, at('back'));
    expect(await until('created back')).toEqual(['created back']);
    rmSync(join('/dev/shm', `matrx-${process.pid}`));
  });

  test('does not take a new file for an old one that had the same inode', async () => {
    writeFileSync(at('old'), '');
    const { until } = await watch();
    unlinkSync(at('old'));
    writeFileSync(at('new'), '');
    expect([...(await until('created new'))].sort()).toEqual(['created new', 'removed old']);
  });

  test('calls the replacement of a file by another a change, also by the file API', async () => {
    writeFileSync(at('f'), 'old');
    const { until } = await watch();
    writeFileSync(at('f.tmp'), 'new');
    renameSync(at('f.tmp'), at('f'));
    writeFileSync(at('mark'), '');
    const first = await until('created mark');
    expect(first.some((line) => line === 'moved f.tmp -> f' || line === 'changed f')).toBe(true);
    await ask(daemon(), 'PUT', 'files', { path: 'f' }, { body: 'newer' });
    expect(await until('changed f')).toEqual(['changed f']);
    await ask(daemon(), 'PUT', 'files', { path: 'g' }, { body: 'x' });
    expect(await until('created g')).toEqual(['created g']);
  });

  test('of a directory alone tells nothing of what is deeper', async () => {
    mkdirSync(at('d'));
    const { until } = await watch();
    writeFileSync(at('d/f'), '');
    writeFileSync(at('g'), '');
    expect(await until('created g')).toEqual(['created g']);
  });

  test('gives names that are no UTF-8 so that one can ask for them', async () => {
    const { next } = await watch();
    const name = (byte: number): Buffer => Buffer.concat([Buffer.from(`${daemon().home}/`), Buffer.from([byte])]);
    writeFileSync(name(0xff), '');
    expect(await next()).toEqual({
      type: 'created',
      path: `${daemon().home}/\ufffd`,
      encodedPath: `${daemon().home}/%FF`,
    });
    renameSync(name(0xff), name(0xfe));
    expect(await next()).toEqual({
      type: 'moved',
      path: `${daemon().home}/\ufffd`,
      encodedPath: `${daemon().home}/%FE`,
      from: `${daemon().home}/\ufffd`,
      encodedFrom: `${daemon().home}/%FF`,
    });
  });

  test('says in between that it still lives', async () => {
    const { next } = await watch('path=.&keepalive=1');
    expect(await next()).toEqual({ type: 'keepalive', path: daemon().home });
  });

  test('ends with the directory', async () => {
    mkdirSync(at('d/e'), { recursive: true });
    const { next } = await watch('path=d&recursive=1', at('d'));
    rmSync(at('d'), { recursive: true });
    const events: (FileEvent | undefined)[] = [];
    do events.push(await next());
    while (events.at(-1) !== undefined);
    expect(events.at(-2)).toEqual({ type: 'removed', path: at('d') });
  });

  test.each([
    ['nothing', 'path=missing', 404],
    ['a file', 'path=f', 400],
  ])('of %s is refused', async (_what, query, status) => {
    writeFileSync(at('f'), '');
    expect((await daemon().fetch(`/matrx/watch?${query}`)).status).toBe(status);
  });
});

describe('a watch of a tree', () => {
  test('hears of directories that came after it, and of what was in them when they were first seen', async () => {
    const { until } = await watch('path=.&recursive=1');
    mkdirSync(at('a/b/c'), { recursive: true });
    writeFileSync(at('a/b/c/f'), '');
    const first = await until('created a/b/c/f');
    expect([...new Set(first)]).toEqual(
      expect.arrayContaining(['created a', 'created a/b', 'created a/b/c', 'created a/b/c/f']),
    );
    writeFileSync(at('a/b/c/g'), '');
    expect((await until('created a/b/c/g')).at(-1)).toBe('created a/b/c/g');
  });

  test('follows a directory that is moved within it, without losing what happens there', async () => {
    mkdirSync(at('a/b'), { recursive: true });
    writeFileSync(at('a/b/old'), '');
    const { until } = await watch('path=.&recursive=1');
    renameSync(at('a'), at('z'));
    // At once: it is heard of under the name that the directory had.
    writeFileSync(at('z/b/new'), '');
    const lines = await until('created z/b/new');
    expect(lines).toContain('moved a -> z');
    expect(lines.filter((line) => line.startsWith('removed'))).toEqual([]);
    unlinkSync(at('z/b/old'));
    expect((await until('removed z/b/old')).filter((line) => !line.endsWith('z/b/new'))).toEqual(['removed z/b/old']);
  });

  test('forgets a directory that is moved out of it', async () => {
    mkdirSync(at('in/a'), { recursive: true });
    mkdirSync(at('out'));
    const { until } = await watch('path=in&recursive=1', at('in'));
    renameSync(at('in/a'), at('out/a'));
    expect(await until('removed a')).toEqual(['removed a']);
    writeFileSync(at('out/a/f'), '');
    writeFileSync(at('in/g'), '');
    expect(await until('created g')).toEqual(['created g']);
  });

  test('tells the removal of all that was in a directory', async () => {
    mkdirSync(at('a/b'), { recursive: true });
    writeFileSync(at('a/b/f'), '');
    const { until } = await watch('path=.&recursive=1');
    rmSync(at('a'), { recursive: true });
    expect([...new Set(await until('removed a'))].sort()).toEqual(['removed a', 'removed a/b', 'removed a/b/f']);
  });

  test('of more than it can tell says that there was more', async () => {
    const { until } = await watch('path=.&recursive=1');
    mkdirSync(at('d'));
    // Heard of in one turn: more than are judged at a time.
    for (let n = 0; n < 20_000; n++) writeFileSync(at(`f${n}`), '');
    mkdirSync(at('late'));
    await until('overflow .');
    writeFileSync(at('late/x'), '');
    expect((await until('created late/x')).length).toBeGreaterThan(0);
  });
});
