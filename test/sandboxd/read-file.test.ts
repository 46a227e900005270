import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, readlinkSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { eventually } from '../support/eventually.ts';
import { startDaemon, type TestDaemon } from './support/daemon.ts';
import { ask, queryOf } from './support/files.ts';

let daemon: TestDaemon;
const CONTENT = Buffer.from('0123456789');

beforeEach(async () => {
  daemon = await startDaemon();
  writeFileSync(join(daemon.home, 'ten'), CONTENT);
});

const get = (path: string | Buffer, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  daemon.fetch(`/matrx/files?${queryOf({ path })}`, { method, headers });
const bytes = async (answer: Response): Promise<string> => Buffer.from(await answer.arrayBuffer()).toString('latin1');

describe('reading a file', () => {
  test('gives its bytes, its length and its tag', async () => {
    const answer = await get('ten');
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-length': '10',
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"[\w-]+"$/),
      'last-modified': expect.stringMatching(/GMT$/),
    });
    expect(await bytes(answer)).toBe('0123456789');
  });

  test('HEAD gives the same head and no bytes, whatever range is asked for', async () => {
    const [head, whole] = [await get('ten', { range: 'bytes=1-2' }, 'HEAD'), await get('ten')];
    await whole.arrayBuffer();
    expect(head.status).toBe(200);
    expect(await bytes(head)).toBe('');
    for (const name of ['content-length', 'etag', 'last-modified']) {
      expect(head.headers.get(name)).toBe(whole.headers.get(name));
    }
  });

  test.each([
    ['absolute', (home: string) => join(home, 'ten')],
    ['relative to the home', () => 'ten'],
    ['with .. in it', () => 'a/b/../../ten'],
    ['with too many ..', (home: string) => `/../..${home}/ten`],
    ['through a symlink', () => 'link'],
  ])('takes a path that is %s', async (_what, path) => {
    symlinkSync('ten', join(daemon.home, 'link'));
    expect(await bytes(await get(path(daemon.home)))).toBe('0123456789');
  });

  test.each([
    ['spaces and + and %', Buffer.from('a b+c%41&d=e#f?g')],
    ['a newline', Buffer.from('a\nb')],
    ['no UTF-8', Buffer.from([0x61, 0xff, 0xfe, 0x80])],
    ['UTF-8', Buffer.from('grüße-🎉')],
    ['a quote and a backslash', Buffer.from('"\\\'')],
  ])('of a name with %s', async (_what, name) => {
    writeFileSync(Buffer.concat([Buffer.from(`${daemon.home}/`), name]), 'odd');
    expect(await bytes(await get(name))).toBe('odd');
  });

  test.each([
    ['nothing', 'missing', 404, 'not_found', undefined],
    ['a directory', '.', 400, 'failed_precondition', 'is_directory'],
    ['what is below a file', 'ten/x', 400, 'failed_precondition', 'not_directory'],
    ['symlinks that lead to each other', 'loop', 400, 'failed_precondition', 'symlink_loop'],
    ['a FIFO, without waiting for its writer', 'fifo', 400, 'failed_precondition', 'not_regular'],
    ['a device', '/dev/zero', 400, 'failed_precondition', 'not_regular'],
    ['a name that is too long', 'x'.repeat(300), 400, 'invalid_argument', 'name_too_long'],
    ['a path with a NUL', 'a\0b', 400, 'invalid_argument', undefined],
  ])('refuses %s', async (_what, path, status, code, reason) => {
    symlinkSync('loop', join(daemon.home, 'loop'));
    execFileSync('mkfifo', [join(daemon.home, 'fifo')]);
    const answer = await ask(daemon, 'GET', 'files', { path });
    expect(answer).toMatchObject({ status, body: { code, message: expect.stringMatching(/./) } });
    expect(answer.body.reason).toBe(reason);
  });

  test('refuses what is not percent-encoded, and a request without a path', async () => {
    for (const query of ['path=%zz', 'path=%', '', 'other=1']) {
      expect((await daemon.fetch(`/matrx/files?${query}`)).status).toBe(400);
    }
  });

  test('of /proc, which says that it is empty, is read to its end', async () => {
    expect(await bytes(await get('/proc/self/status'))).toMatch(/^Name:/);
    expect(await bytes(await get('/dev/null'))).toMatch('not_regular');
  });

  test('of nothing gives nothing', async () => {
    writeFileSync(join(daemon.home, 'empty'), '');
    const answer = await get('empty');
    expect([answer.status, answer.headers.get('content-length'), await bytes(answer)]).toEqual([200, '0', '']);
  });
});

describe('a range', () => {
  /** RFC 9110, 14.1.2, as a table would have it. */
  const model = (first: number | undefined, last: number | undefined, size: number): string | number => {
    const content = 'abcdefghij'.slice(0, size);
    if (first === undefined) {
      if (last === 0) return 416;
      return size === 0 ? content : content.slice(-(last as number));
    }
    if (last !== undefined && last < first) return content;
    if (first >= size) return 416;
    return content.slice(first, last === undefined ? undefined : last + 1);
  };

  test('gives the bytes that the RFC says, of files of any length', async () => {
    const edge = fc.option(fc.oneof(fc.nat(12), fc.constant(2 ** 53)), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(edge, edge, fc.nat(10), async (first, last, size) => {
        fc.pre(first !== undefined || last !== undefined);
        writeFileSync(join(daemon.home, 'f'), 'abcdefghij'.slice(0, size));
        const answer = await get('f', { range: `bytes=${first ?? ''}-${last ?? ''}` });
        const text = await bytes(answer);
        const wanted = model(first, last, size);
        if (wanted === 416) {
          expect(answer.status).toBe(416);
          expect(answer.headers.get('content-range')).toBe(`bytes */${size}`);
          return;
        }
        expect(text).toBe(wanted);
        expect(answer.headers.get('content-length')).toBe(String(text.length));
        if (answer.status === 200) expect(text).toHaveLength(size);
        else {
          const [, from, to, all] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.headers.get('content-range') ?? '') ?? [];
          expect([Number(all), Number(to) - Number(from) + 1]).toEqual([size, text.length]);
          expect('abcdefghij'.slice(Number(from), Number(to) + 1)).toBe(text);
        }
      }),
      { numRuns: 200 },
    );
  });

  test.each(['bytes=0-1,3-4', 'lines=0-1', 'bytes=a-b', 'bytes=', 'bytes=-', 'bytes 0-1', 'bytes=0-1-2', ''])(
    'that is none or several is left out of account: %j',
    async (range) => {
      const answer = await get('ten', { range });
      expect([answer.status, await bytes(answer)]).toEqual([200, '0123456789']);
    },
  );

  test('is only given while the file is the same', async () => {
    const etag = (await get('ten', {}, 'HEAD')).headers.get('etag') ?? '';
    const range = 'bytes=2-3';
    expect(await bytes(await get('ten', { range, 'if-range': etag }))).toBe('23');
    for (const other of ['"other"', `W/${etag}`, new Date().toUTCString()]) {
      expect(await bytes(await get('ten', { range, 'if-range': other }))).toBe('0123456789');
    }
    appendFileSync(join(daemon.home, 'ten'), 'x');
    expect((await get('ten', { range, 'if-range': etag })).status).toBe(200);
  });
});

describe('a tag', () => {
  test('saves the bytes of a file that is still the same', async () => {
    const etag = (await get('ten', {}, 'HEAD')).headers.get('etag') ?? '';
    for (const list of [etag, `"other", ${etag}`, `W/${etag}`, '*']) {
      const answer = await get('ten', { 'if-none-match': list });
      expect([answer.status, await bytes(answer)]).toEqual([304, '']);
      expect(answer.headers.get('etag')).toBe(etag);
    }
    expect((await get('ten', { 'if-none-match': '"other"' })).status).toBe(200);
    expect((await get('ten', { 'if-match': etag })).status).toBe(200);
    expect((await get('ten', { 'if-match': '"other"' })).status).toBe(412);
  });

  test.each([
    ['content of the same length', (path: string) => writeFileSync(path, '9876543210')],
    ['length', (path: string) => truncateSync(path, 5)],
  ])('changes with the %s', async (_what, change) => {
    const path = join(daemon.home, 'ten');
    // Files of long ago: the kernel's clock has ticked since.
    execFileSync('touch', ['-d', '2020-01-01', path]);
    const before = (await get('ten', {}, 'HEAD')).headers.get('etag');
    change(path);
    execFileSync('touch', ['-d', '2020-01-01', path]);
    expect((await get('ten', {}, 'HEAD')).headers.get('etag')).not.toBe(before);
  });
});

describe('a large file', () => {
  const SIZE = 64 * 1024 * 1024;

  beforeEach(() => {
    writeFileSync(join(daemon.home, 'large'), '');
    truncateSync(join(daemon.home, 'large'), SIZE);
  });

  test('is sent in full', async () => {
    let length = 0;
    for await (const chunk of (await get('large')).body as unknown as AsyncIterable<Uint8Array>) length += chunk.length;
    expect(length).toBe(SIZE);
  });

  test('is closed when its reader leaves', async () => {
    const reader = new AbortController();
    const answer = await daemon.fetch('/matrx/files?path=large', { signal: reader.signal });
    const body = answer.body?.getReader();
    await body?.read();
    reader.abort();
    await expect(body?.closed).rejects.toThrow();
    // The daemon lives, and holds the file no more.
    await untilClosed(join(daemon.home, 'large'));
  });

  test('that becomes shorter while it is read ends the connection, and is not taken for whole', async () => {
    await expect(
      new Promise((resolve, reject) => {
        const request = httpRequest(
          `${daemon.url}/matrx/files?path=large`,
          { headers: { authorization: `Bearer ${daemon.token}` } },
          (answer) => {
            answer.once('error', reject);
            answer.once('end', () => resolve('ended'));
            truncateSync(join(daemon.home, 'large'), 1000);
            answer.resume();
          },
        );
        request.once('error', reject);
        request.end();
      }),
    ).rejects.toThrow('aborted');
  });
});

const untilClosed = (path: string): Promise<void> =>
  eventually(() => readdirSync('/proc/self/fd').every((fd) => linkOf(`/proc/self/fd/${fd}`) !== path));

const linkOf = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
};
