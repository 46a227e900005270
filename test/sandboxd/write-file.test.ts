import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
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
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { daemonOfEachTest } from './support/daemon.ts';
import { ask } from './support/files.ts';

const { daemon, at } = daemonOfEachTest();

const put = (
  path: string | Buffer,
  body: string | Buffer,
  { headers = {}, ...parameters }: { headers?: Record<string, string> } & Record<string, unknown> = {},
) => ask(daemon(), 'PUT', 'files', { path, ...(parameters as Record<string, string>) }, { body, headers });

const text = (name: string): string => readFileSync(at(name), 'utf8');
/** An upload that was cut or refused leaves nothing behind. */
const names = (): readonly string[] => readdirSync(daemon().home).sort();

/** A PUT that promises more than it sends. */
const openUpload = (path: string, length: number) =>
  httpRequest(`${daemon().url}/matrx/files?path=${path}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${daemon().token}`, 'content-length': length },
  }).on('error', () => undefined);

describe('writing a file', () => {
  test('makes it, and says what it is now', async () => {
    const answer = await put('new', 'hello');
    expect(answer).toMatchObject({
      status: 201,
      body: { path: at('new'), name: 'new', kind: 'file', size: 5, etag: expect.stringMatching(/^".+"$/) },
    });
    expect(answer.headers.get('etag')).toBe(answer.body.etag);
    expect(text('new')).toBe('hello');
    expect(names()).toEqual(['new']);
  });

  test('replaces one, and says so', async () => {
    writeFileSync(at('old'), 'a much longer content than the new one');
    expect((await put('old', 'new')).status).toBe(200);
    expect(text('old')).toBe('new');
  });

  test('takes no content, and bytes of any kind', async () => {
    expect((await put('empty', '')).body.size).toBe(0);
    const bytes = randomBytes(1_000_000);
    expect((await put('bytes', bytes)).body.size).toBe(1_000_000);
    expect(readFileSync(at('bytes')).equals(bytes)).toBe(true);
  });

  test('keeps the rights of the file that it replaces, and gives a new one what is asked for', async () => {
    writeFileSync(at('script'), '');
    chmodSync(at('script'), 0o750);
    expect((await put('script', 'x')).body.mode).toBe(0o750);
    expect((await put('script', 'x', { mode: '0600' })).body.mode).toBe(0o600);
    expect((await put('other', 'x', { mode: '4711' })).body.mode).toBe(0o4711);
    const umask = process.umask(0o077);
    try {
      expect((await put('private', 'x')).body.mode).toBe(0o600);
      expect((await put('public', 'x', { mode: '666' })).body.mode).toBe(0o666);
    } finally {
      process.umask(umask);
    }
  });

  test.each(['8', 'rwx', '77777', '17777777', '-1', ''])('refuses the mode %j', async (mode) => {
    expect((await put('f', 'x', { mode })).status).toBe(400);
    expect(names()).toEqual([]);
  });

  test('goes through symlinks to the file they lead to, and leaves them', async () => {
    mkdirSync(at('dir/deep'), { recursive: true });
    writeFileSync(at('dir/target'), 'old');
    // Relative to where it is, which is not where one comes from by the other symlink.
    symlinkSync('../target', at('dir/deep/link'));
    symlinkSync('dir/deep', at('shortcut'));
    await put('shortcut/link', 'new');
    expect(text('dir/target')).toBe('new');
    expect(readlinkSync(at('dir/deep/link'))).toBe('../target');
  });

  test('makes the file that a symlink leads to and that is not there', async () => {
    symlinkSync('later', at('link'));
    expect((await put('link', 'x')).status).toBe(201);
    expect(lstatSync(at('later')).isFile()).toBe(true);
  });

  test('leaves other names of the old file what it was', async () => {
    writeFileSync(at('one'), 'old');
    linkSync(at('one'), at('two'));
    await put('one', 'new');
    expect([text('one'), text('two')]).toEqual(['new', 'old']);
  });

  test('makes the directories above it only when it is asked to', async () => {
    expect(await put('a/b/c', 'x')).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect((await put('a/b/c', 'x', { parents: '1' })).status).toBe(201);
    expect(text('a/b/c')).toBe('x');
  });

  test('takes a name that is no UTF-8, and gives it back so that one can ask for it', async () => {
    const name = Buffer.from([0x61, 0xff, 0x2f, 0xfe]);
    const { body } = await put(name, 'x', { parents: '1' });
    expect(body.path).toBe(`${daemon().home}/a\ufffd/\ufffd`);
    expect(body.encodedPath).toBe(`${daemon().home}/a%FF/%FE`);
    expect(await (await daemon().fetch(`/matrx/files?path=${body.encodedPath ?? ''}`)).text()).toBe('x');
  });

  test.each([
    ['a directory', 'dir', 'is_directory'],
    ['the root', '/', 'is_directory'],
    ['what is below a file', 'file/x', 'not_directory'],
    ['symlinks that lead to each other', 'loop', 'symlink_loop'],
    ['a FIFO', 'fifo', 'not_regular'],
    ['a name that is too long', 'x'.repeat(256), 'name_too_long'],
  ])('refuses %s', async (_what, path, reason) => {
    mkdirSync(at('dir'));
    writeFileSync(at('file'), '');
    symlinkSync('loop', at('loop'));
    execFileSync('mkfifo', [at('fifo')]);
    expect(await put(path, 'x')).toMatchObject({ status: 400, body: { reason } });
    expect(names()).toEqual(['dir', 'fifo', 'file', 'loop']);
  });

  test('takes a name as long as a name can be', async () => {
    expect((await put('x'.repeat(255), 'x')).status).toBe(201);
  });
});

describe('an upload that is cut', () => {
  test('leaves the old file, and nothing beside it', async () => {
    writeFileSync(at('old'), 'old');
    const upload = openUpload('old', 1000);
    upload.write('half of it');
    await eventually(() => names().length === 2);
    upload.destroy();
    await eventually(() => names().length === 1);
    expect(text('old')).toBe('old');
  });

  test('shows nobody a part of the new', async () => {
    writeFileSync(at('old'), 'old');
    const upload = openUpload('old', 6);
    upload.write('new');
    await eventually(() => names().some((name) => name !== 'old' && statSync(at(name)).size === 3));
    expect(text('old')).toBe('old');
    // Nor does a listing or a directory's removal of temporary names hide the rest.
    const listed = await ask<{ entries: { name: string }[] }>(daemon(), 'GET', 'entries', { path: '.' });
    expect(listed.body.entries.map(({ name }) => name)).toEqual(['old']);
    const done = new Promise((resolve) => upload.once('response', resolve));
    upload.end('ly!');
    await done;
    expect(text('old')).toBe('newly!');
  });
});

describe('conditions', () => {
  test('If-Match replaces only what the client has seen', async () => {
    const { etag } = (await put('f', 'one')).body;
    expect((await put('f', 'two', { headers: { 'if-match': etag } })).status).toBe(200);
    expect(await put('f', 'three', { headers: { 'if-match': etag } })).toMatchObject({
      status: 412,
      body: { code: 'failed_precondition', reason: 'changed' },
    });
    expect((await put('missing', 'x', { headers: { 'if-match': '*' } })).status).toBe(412);
    expect(text('f')).toBe('two');
    expect(names()).toEqual(['f']);
  });

  test('If-None-Match: * makes only what is not there', async () => {
    const headers = { 'if-none-match': '*' };
    expect((await put('f', 'one', { headers })).status).toBe(201);
    expect((await put('f', 'two', { headers })).status).toBe(412);
    expect(text('f')).toBe('one');
  });

  test.each([
    ['If-None-Match: *', 'new', () => ({ 'if-none-match': '*' })],
    ['If-Match', 'f', (etag: string) => ({ 'if-match': etag })],
  ])('of many clients with the same %s exactly one succeeds', async (_what, name, headers) => {
    const { etag } = (await put('f', 'old')).body;
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => put(name, `${n}`, { headers: headers(etag) })),
    );
    const winners = answers.flatMap(({ status }, n) => (status < 300 ? [n] : []));
    expect(winners).toHaveLength(1);
    expect(text(name)).toBe(String(winners[0]));
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(9);
  });

  test('a file that a process makes meanwhile is not replaced where it must be new', async () => {
    const upload = httpRequest(`${daemon().url}/matrx/files?path=f`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${daemon().token}`, 'if-none-match': '*' },
    });
    const answered = new Promise<number | undefined>((resolve) =>
      upload.once('response', (a) => resolve(a.statusCode)),
    );
    upload.write('mine');
    await eventually(() => names().length === 1);
    writeFileSync(at('f'), 'theirs');
    upload.end();
    expect(await answered).toBe(412);
    expect([text('f'), names()]).toEqual(['theirs', ['f']]);
  });
});

const isRoot = process.getuid?.() === 0;

/** A file system of its own, of so many bytes. */
const withTmpfs = async (bytes: number, work: (path: string) => Promise<void>): Promise<void> => {
  const path = at('small');
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]);
  try {
    await work(path);
  } finally {
    execFileSync('umount', [path]);
  }
};

/** Only root can mount. */
const describeAsRoot = (name: string, tests: () => void): void => {
  if (isRoot) describe(name, tests);
};

describeAsRoot('a full file system', () => {
  test('is said before the upload where the length is known', async () => {
    await withTmpfs(1 << 20, async (path) => {
      writeFileSync(join(path, 'f'), 'old');
      const upload = openUpload('small/f', 10 << 20);
      const status = await new Promise((resolve) => {
        upload.once('response', (answer) => {
          resolve(answer.statusCode);
          answer.resume();
        });
        upload.flushHeaders();
      });
      upload.destroy();
      expect(status).toBe(507);
      expect(readFileSync(join(path, 'f'), 'utf8')).toBe('old');
    });
  });

  test('leaves the old file and no rest of the new, where the length is not known', async () => {
    await withTmpfs(1 << 20, async (path) => {
      writeFileSync(join(path, 'f'), 'old');
      const body = new ReadableStream({
        start: (controller) => {
          for (let n = 0; n < 40; n++) controller.enqueue(new Uint8Array(100_000));
          controller.close();
        },
      });
      const answer = await ask(daemon(), 'PUT', 'files', { path: 'small/f' }, { body, duplex: 'half' });
      expect(answer).toMatchObject({ status: 507, body: { code: 'resource_exhausted', reason: 'no_space' } });
      expect([readFileSync(join(path, 'f'), 'utf8'), readdirSync(path)]).toEqual(['old', ['f']]);
    });
  });
});

describeAsRoot('for root', () => {
  test('a file that is replaced keeps its owner', async () => {
    writeFileSync(at('f'), 'old');
    execFileSync('chown', ['1234:1235', at('f')]);
    expect((await put('f', 'new')).body).toMatchObject({ uid: 1234, gid: 1235 });
  });
});
