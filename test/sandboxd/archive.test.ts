import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import { type Header as TarHeader, pack } from 'tar-stream';
import type { DaemonProblem } from '../../src/sandboxd/protocol/problem.ts';
import { daemonOfEachTest, startDaemon } from './support/daemon.ts';
import { ask } from './support/files.ts';

const { daemon, at } = daemonOfEachTest();

const down = async (path: string): Promise<Buffer> => {
  const answer = await daemon().fetch(`/matrx/archive?path=${path}`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-tar']);
  return Buffer.from(await answer.arrayBuffer());
};
const up = (path: string, tar: Buffer) =>
  ask<{ entries: number } & DaemonProblem>(daemon(), 'PUT', 'archive', { path }, { body: tar });

type Member = Partial<TarHeader> & { readonly name: string; readonly content?: string };

const tarOf = async (...members: readonly Member[]): Promise<Buffer> => {
  const tar = pack();
  for (const { content = '', ...header } of members) tar.entry(header, content);
  tar.finalize();
  return buffer(tar);
};

/** What `find` says of a tree: kind, mode, time, size of files, target of symlinks. */
const describeTree = (root: string): readonly string[] =>
  execFileSync('find', ['.', '-type', 'f', '-printf', '%P f %m %T@ %s\n', '-o', '-printf', '%P %y %m %T@ %l\n'], {
    cwd: root,
  })
    .toString('latin1')
    .split('\n')
    .sort();

describe('a directory as tar', () => {
  test('comes back as it was: modes, times, links, odd names', async () => {
    mkdirSync(at('from/sub/empty'), { recursive: true });
    writeFileSync(at('from/script'), '#!/bin/sh\n');
    chmodSync(at('from/script'), 0o4755);
    linkSync(at('from/script'), at('from/sub/same'));
    symlinkSync('../script', at('from/sub/link'));
    symlinkSync('/nowhere/else', at('from/absolute'));
    writeFileSync(at(`from/${'x'.repeat(255)}`), 'long');
    writeFileSync(Buffer.concat([Buffer.from(at('from/')), Buffer.from('no utf-8 \xff\xfe\n', 'latin1')]), 'odd');
    mkdirSync(at('from/closed'));
    writeFileSync(at('from/closed/f'), 'x');
    execFileSync('sh', ['-c', 'find . -exec touch -h -d "2021-03-04 05:06:07.123456789" {} +'], { cwd: at('from') });
    chmodSync(at('from/closed'), 0o500);

    const tar = await down('from');
    const answer = await up('to/there', tar);
    expect(answer.body).toEqual({ entries: 11 });
    expect(describeTree(at('to/there'))).toEqual(describeTree(at('from')));
    expect(statSync(at('to/there/script')).ino).toBe(statSync(at('to/there/sub/same')).ino);
    chmodSync(at('from/closed'), 0o700);
    chmodSync(at('to/there/closed'), 0o700);
  });

  test('is one that other programs read', async () => {
    mkdirSync(at('d'));
    writeFileSync(at('d/f'), 'hello');
    const listing = execFileSync('tar', ['-t'], { input: await down('d') }).toString();
    expect(listing.split('\n').sort()).toEqual(['', './', './f']);
  });

  test('of a name that is no UTF-8', async () => {
    const name = Buffer.concat([Buffer.from(at('')), Buffer.from('/d\xff', 'latin1')]);
    mkdirSync(name);
    writeFileSync(Buffer.concat([name, Buffer.from('/f')]), 'x');
    const tar = await down(`${daemon().home}/d%FF`);
    expect(execFileSync('tar', ['-t'], { input: tar }).toString()).toContain('./f');
  });

  test('leaves out what is just being uploaded', async () => {
    mkdirSync(at('d'));
    writeFileSync(at('d/.matrx-upload-0123456789abcdef'), 'half');
    expect(execFileSync('tar', ['-t'], { input: await down('d') }).toString()).toBe('./\n');
  });

  test.each([
    ['nothing', 'missing', 404, undefined],
    ['a file', 'f', 400, 'not_directory'],
  ])('of %s is refused', async (_what, path, status, reason) => {
    writeFileSync(at('f'), '');
    expect(await ask(daemon(), 'GET', 'archive', { path })).toMatchObject({
      status,
      body: reason === undefined ? {} : { reason },
    });
  });

  test('is refused where the image has no tar, with the remedy', async () => {
    const bare = await startDaemon({ environment: { PATH: '/nowhere' } });
    for (const method of ['GET', 'PUT']) {
      const answer = await ask(bare, method, 'archive', { path: '.' }, method === 'PUT' ? { body: await tarOf() } : {});
      expect(answer).toMatchObject({
        status: 501,
        body: { code: 'unimplemented', message: expect.stringContaining('install') },
      });
    }
  });
});

describe('unpacking', () => {
  test('puts into a directory that is there, and replaces files and symlinks in it', async () => {
    mkdirSync(at('d'));
    writeFileSync(at('d/kept'), 'kept');
    writeFileSync(at('d/f'), 'old');
    writeFileSync(at('outside'), 'outside');
    symlinkSync('../outside', at('d/link'));
    const tar = await tarOf({ name: 'f', content: 'new' }, { name: 'link', content: 'a file now' });
    expect((await up('d', tar)).body).toEqual({ entries: 2 });
    expect(['kept', 'f', 'link'].map((name) => readFileSync(at(`d/${name}`), 'utf8'))).toEqual([
      'kept',
      'new',
      'a file now',
    ]);
    expect(readFileSync(at('outside'), 'utf8')).toBe('outside');
  });

  test('goes through symlinks of the directory that stay in it', async () => {
    mkdirSync(at('d/real'), { recursive: true });
    symlinkSync('real', at('d/link'));
    expect((await up('d', await tarOf({ name: 'link/f', content: 'x' }))).status).toBe(200);
    expect(readFileSync(at('d/real/f'), 'utf8')).toBe('x');
  });

  test('of nothing but an end mark makes the directory', async () => {
    expect((await up('new', await tarOf())).body).toEqual({ entries: 0 });
    expect(readdirSync(at('new'))).toEqual([]);
  });

  test('takes what follows the end mark for padding', async () => {
    const tar = Buffer.concat([
      await tarOf({ name: 'f', content: 'x' }),
      Buffer.alloc(1_000_000),
      Buffer.from('rubbish'),
    ]);
    expect((await up('d', tar)).body).toEqual({ entries: 1 });
  });

  test('takes names of any length, GNU and pax', async () => {
    const long = `${'d'.repeat(200)}/${'e'.repeat(200)}/f`;
    mkdirSync(at(`from/${long}/..`), { recursive: true });
    mkdirSync(at(`from/${'d'.repeat(200)}/${'e'.repeat(200)}`), { recursive: true });
    writeFileSync(at(`from/${long}`), 'x');
    symlinkSync('t'.repeat(300), at('from/link'));
    for (const format of ['gnu', 'posix']) {
      const tar = execFileSync('tar', ['-c', `--format=${format}`, '.'], { cwd: at('from') });
      expect((await up(format, tar)).status).toBe(200);
      expect(readFileSync(at(`${format}/${long}`), 'utf8')).toBe('x');
      expect(readlinkSync(at(`${format}/link`))).toBe('t'.repeat(300));
    }
  });

  test('takes sparse files of every kind', async () => {
    mkdirSync(at('from'));
    execFileSync(
      'sh',
      [
        '-c',
        'truncate -s 50M f; for n in $(seq 1 30); do echo x | dd of=f bs=1 seek=${n}000000 conv=notrunc 2>/dev/null; done',
      ],
      {
        cwd: at('from'),
      },
    );
    for (const args of [
      ['--format=gnu'],
      ['--sparse-version=0.0'],
      ['--sparse-version=0.1'],
      ['--sparse-version=1.0'],
    ]) {
      const tar = execFileSync('tar', ['-c', '-S', ...args, 'f'], { cwd: at('from'), maxBuffer: 1 << 26 });
      expect(tar.length).toBeLessThan(10_000_000);
      expect((await up('to', tar)).status).toBe(200);
      expect(readFileSync(at('to/f')).equals(readFileSync(at('from/f')))).toBe(true);
    }
  });
});

describe('a hostile archive', () => {
  const link = (name: string, linkname: string): Member => ({ name, type: 'symlink', linkname });
  const hard = (name: string, linkname: string): Member => ({ name, type: 'link', linkname });

  test.each<[string, readonly Member[]]>([
    ['an absolute name', [{ name: '/tmp/matrx-hostile', content: 'x' }]],
    ['.. at the start', [{ name: '../hostile', content: 'x' }]],
    ['.. in the middle', [{ name: 'a/../../hostile', content: 'x' }]],
    ['.. as a directory', [{ name: '..', type: 'directory' }]],
    ['a symlink and a file through it', [link('out', '..'), { name: 'out/hostile', content: 'x' }]],
    ['an absolute symlink and a file through it', [link('out', '/tmp'), { name: 'out/hostile', content: 'x' }]],
    ['symlinks over each other', [link('a', 'outside'), link('b', 'a'), { name: 'b/hostile', content: 'x' }]],
    ['a symlink under another spelling', [link('./x/../out', '..'), { name: './/out/./hostile', content: 'x' }]],
    ['a file through a symlink that was there', [{ name: 'outside/hostile', content: 'x' }]],
    ['a directory over a symlink that was there', [{ name: 'outside', type: 'directory', mode: 0o777 }]],
    ['a file through a symlink that leads nowhere', [{ name: 'dangling/hostile', content: 'x' }]],
    ['a hard link to the outside', [hard('f', '../secret'), { name: 'f', content: 'x' }]],
    ['an absolute hard link', [hard('f', '/etc/passwd')]],
    ['a hard link through a symlink that was there', [hard('f', 'outside/secret')]],
    ['a hard link to a symlink that was there', [hard('f', 'outside'), { name: 'f/hostile', content: 'x' }]],
    ['a device', [{ name: 'null', type: 'character-device', devmajor: 1, devminor: 3 }]],
  ])('with %s is refused, and writes nothing outside', async (_what, members) => {
    mkdirSync(at('d'));
    mkdirSync(at('target'));
    writeFileSync(at('secret'), 'secret');
    writeFileSync(at('target/secret'), 'secret');
    symlinkSync('../target', at('d/outside'));
    symlinkSync('../nowhere', at('d/dangling'));
    const modeBefore = lstatSync(at('target')).mode;
    const answer = await up(
      'd',
      await tarOf({ name: 'first', content: 'good' }, ...members, { name: 'last', content: '' }),
    );
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_argument', reason: 'not_an_archive' } });
    expect(readdirSync(daemon().home).sort()).toEqual(['d', 'secret', 'target']);
    expect([readFileSync(at('secret'), 'utf8'), readdirSync(at('target'))]).toEqual(['secret', ['secret']]);
    expect(lstatSync(at('target')).mode).toBe(modeBefore);
    expect(existsSync('/tmp/matrx-hostile')).toBe(false);
    // What came before it is there, and in full; what came after it is not.
    expect(readFileSync(at('d/first'), 'utf8')).toBe('good');
    expect(existsSync(at('d/last'))).toBe(false);
  });

  test('with absolute symlinks that nothing goes through is a good one', async () => {
    const answer = await up('venv', await tarOf(link('bin/python', '/usr/bin/python3'), link('lib64', 'lib')));
    expect(answer.body).toEqual({ entries: 2 });
    expect(readlinkSync(at('venv/bin/python'))).toBe('/usr/bin/python3');
  });

  test('that is refused leaves no placeholder for a symlink', async () => {
    const tar = await tarOf(link('python', '/usr/bin/python3'), { name: '../x', content: 'x' });
    expect((await up('d', tar)).status).toBe(400);
    expect(readlinkSync(at('d/python'))).toBe('/usr/bin/python3');
  });

  test.each<[string, (tar: Buffer) => Buffer]>([
    ['nothing', () => Buffer.alloc(0)],
    ['text', () => Buffer.from('this is no archive. '.repeat(100))],
    ['a compressed one', () => execFileSync('gzip', ['-c'], { input: 'x'.repeat(10_000) })],
    ['one that is cut within a file', (tar) => tar.subarray(0, 600)],
    ['one that is cut within a header', (tar) => tar.subarray(0, 300)],
    ['one without its end', (tar) => tar.subarray(0, 1024)],
    ['one with a damaged header', (tar) => Buffer.concat([Buffer.from('X'), tar.subarray(1)])],
    ['one with an impossible size', (tar) => rewritten(tar, 124, '99999999999\0')],
    ['one of an unknown type', (tar) => rewritten(tar, 156, 'M')],
    ['a directory with content', (tar) => rewritten(tar, 156, '5')],
    ['one that gives all members one name', (tar) => Buffer.concat([globalHeader('path=/etc/x'), tar])],
    ['one with a damaged extended header', (tar) => Buffer.concat([extendedHeader('x', '99 path=x\n'), tar])],
  ])('that is %s is refused', async (_what, change) => {
    const tar = change(await tarOf({ name: 'f', content: 'content' }));
    const answer = await up('d', tar);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_argument', reason: 'not_an_archive' } });
  });
});

const globalHeader = (record: string): Buffer => {
  const length = record.length + 4;
  return extendedHeader('g', `${length} ${record}\n`);
};

const extendedHeader = (type: string, content: string): Buffer => {
  const block = Buffer.alloc(512);
  block.write('pax', 0);
  block.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  block.write('ustar\x0000', 257, 'latin1');
  const data = Buffer.alloc(512);
  data.write(content, 'latin1');
  return Buffer.concat([rewritten(block, 156, type), data]);
};

/** With a checksum that fits. */
const rewritten = (tar: Buffer, offset: number, text: string): Buffer => {
  const copy = Buffer.from(tar);
  copy.write(text, offset, 'latin1');
  copy.fill(' ', 148, 156);
  let sum = 0;
  for (let index = 0; index < 512; index++) sum += copy[index] ?? 0;
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return copy;
};
