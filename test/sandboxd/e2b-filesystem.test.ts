import { mkdirSync, readFileSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { daemonOfEachTest } from './support/daemon.ts';

const { daemon, at } = daemonOfEachTest();

/** As the SDKs send it: the token in their header, the user, if any, as Basic credentials. */
const headersOf = (user?: string): Record<string, string> => ({
  'x-access-token': daemon().token,
  authorization: user === undefined ? '' : `Basic ${Buffer.from(`${user}:`).toString('base64')}`,
});

const call = async (method: string, message: unknown, user?: string) => {
  const answer = await daemon().fetch(`/filesystem.Filesystem/${method}`, {
    method: 'POST',
    headers: { ...headersOf(user), 'content-type': 'application/json', 'connect-protocol-version': '1' },
    body: JSON.stringify(message),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

interface Envelope {
  readonly flags: number;
  readonly message: Record<string, unknown>;
}

const stream = async (method: string, message: unknown, headers: Record<string, string> = {}) => {
  const json = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(json.length, 1);
  const end = new AbortController();
  const answer = await daemon().fetch(`/filesystem.Filesystem/${method}`, {
    method: 'POST',
    headers: { ...headersOf(), 'content-type': 'application/connect+json', ...headers },
    body: Buffer.concat([head, json]),
    signal: end.signal,
  });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/connect+json']);
  return { next: envelopes(answer.body as unknown as AsyncIterable<Uint8Array>), stop: () => end.abort() };
};

const envelopes = (body: AsyncIterable<Uint8Array>): (() => Promise<Envelope>) => {
  const source = body[Symbol.asyncIterator]();
  let rest = Buffer.alloc(0);
  return async () => {
    while (rest.length < 5 || rest.length < 5 + rest.readUInt32BE(1)) {
      const { done, value } = await source.next();
      if (done === true) throw new Error('the stream has ended');
      rest = Buffer.concat([rest, value]);
    }
    const length = 5 + rest.readUInt32BE(1);
    const envelope = { flags: rest[0] ?? 0, message: JSON.parse(rest.toString('utf8', 5, length)) };
    rest = rest.subarray(length);
    return envelope;
  };
};

describe('filesystem.Filesystem', () => {
  test('Stat describes an entry as protobuf has it in JSON', async () => {
    writeFileSync(at('f'), 'hello', { mode: 0o640 });
    symlinkSync('f', at('link'));
    expect(await call('Stat', { path: 'f' })).toEqual({
      status: 200,
      body: {
        entry: {
          name: 'f',
          type: 'FILE_TYPE_FILE',
          path: at('f'),
          size: '5',
          mode: 0o640,
          permissions: '-rw-r-----',
          owner: expect.any(String),
          group: expect.any(String),
          modifiedTime: expect.stringMatching(/^\d{4}-.*\.\d{9}Z$/),
        },
      },
    });
    expect((await call('Stat', { path: '~/link' })).body['entry']).toMatchObject({
      type: 'FILE_TYPE_SYMLINK',
      symlinkTarget: at('f'),
    });
    expect((await call('Stat', { path: '~' })).body['entry']).toMatchObject({ type: 'FILE_TYPE_DIRECTORY' });
  });

  test('MakeDir makes all on the way, once', async () => {
    expect((await call('MakeDir', { path: 'a/b' })).body['entry']).toMatchObject({ path: at('a/b') });
    expect(await call('MakeDir', { path: 'a/b' })).toMatchObject({ status: 409, body: { code: 'already_exists' } });
  });

  test('Move replaces, and makes the directory it goes to', async () => {
    writeFileSync(at('f'), 'new');
    mkdirSync(at('d'));
    writeFileSync(at('d/g'), 'old');
    expect((await call('Move', { source: 'f', destination: 'd/g' })).body['entry']).toMatchObject({ path: at('d/g') });
    expect(readFileSync(at('d/g'), 'utf8')).toBe('new');
    expect((await call('Move', { source: 'd/g', destination: 'x/y/z' })).status).toBe(200);
  });

  test('ListDir goes as deep as it is asked to', async () => {
    mkdirSync(at('d/e'), { recursive: true });
    writeFileSync(at('d/f'), '');
    const names = async (depth?: number) =>
      ((await call('ListDir', { path: '.', depth })).body['entries'] as { name: string }[]).map(({ name }) => name);
    expect(await names()).toEqual(['d']);
    expect(await names(2)).toEqual(['d', 'e', 'f']);
    expect((await call('ListDir', { path: 'd/e' })).body).toEqual({ entries: [] });
  });

  test('Remove takes all, and does not mind what is not there', async () => {
    mkdirSync(at('d/e'), { recursive: true });
    for (let n = 0; n < 2; n++) expect(await call('Remove', { path: 'd' })).toEqual({ status: 200, body: {} });
  });

  test.each([
    ['Stat', { path: 'missing' }, 404, 'not_found'],
    ['ListDir', { path: 'missing' }, 404, 'not_found'],
    ['ListDir', { path: 'f' }, 400, 'invalid_argument'],
    ['ListDir', { path: '.', depth: 'x' }, 400, 'invalid_argument'],
    ['MakeDir', { path: 'f/x' }, 400, 'invalid_argument'],
    ['Move', { source: 'missing', destination: 'x' }, 404, 'not_found'],
    ['Stat', { path: 5 }, 400, 'invalid_argument'],
    ['Stat', { path: '~root/x' }, 400, 'invalid_argument'],
    ['CreateWatcher', { path: 'missing' }, 404, 'not_found'],
    ['GetWatcherEvents', { watcherId: 'w1' }, 404, 'not_found'],
    ['RemoveWatcher', { watcherId: 'w1' }, 404, 'not_found'],
  ])('%s of %j is refused with a code of Connect', async (method, message, status, code) => {
    writeFileSync(at('f'), '');
    expect(await call(method, message)).toMatchObject({ status, body: { code, message: expect.any(String) } });
  });

  test('takes the user of a sandbox by any name it has, and nobody else', async () => {
    for (const user of ['user', 'agent', '']) expect((await call('Stat', { path: '.' }, user)).status).toBe(200);
    for (const method of ['Stat', 'ListDir', 'MakeDir']) {
      expect(await call(method, { path: '.' }, 'somebody')).toMatchObject({
        status: 401,
        body: { code: 'unauthenticated' },
      });
    }
  });

  test('speaks JSON and nothing else', async () => {
    for (const [method, type] of [
      ['Stat', 'application/proto'],
      ['ListDir', 'application/proto'],
      ['WatchDir', 'application/connect+proto'],
    ]) {
      const answer = await daemon().fetch(`/filesystem.Filesystem/${method}`, {
        method: 'POST',
        headers: { 'content-type': type ?? '' },
        body: 'x',
      });
      expect(answer.status).toBe(415);
      expect(answer.headers.get('accept-post')).toMatch(/json$/);
    }
  });
});

describe('watching', () => {
  test('WatchDir says that it stands, and then what happens', async () => {
    writeFileSync(at('old'), '');
    const { next, stop } = await stream('WatchDir', { path: '.', recursive: true });
    expect(await next()).toEqual({ flags: 0, message: { start: {} } });
    const event = async () => (await next()).message['filesystem'];
    writeFileSync(at('old'), 'x');
    expect(await event()).toEqual({ name: 'old', type: 'EVENT_TYPE_WRITE' });
    mkdirSync(at('d'));
    expect(await event()).toEqual({ name: 'd', type: 'EVENT_TYPE_CREATE' });
    renameSync(at('old'), at('d/new'));
    expect(await event()).toEqual({ name: 'old', type: 'EVENT_TYPE_RENAME' });
    expect(await event()).toEqual({ name: 'd/new', type: 'EVENT_TYPE_CREATE' });
    unlinkSync(at('d/new'));
    expect(await event()).toEqual({ name: 'd/new', type: 'EVENT_TYPE_REMOVE' });
    stop();
  });

  test('WatchDir describes the entry when it is asked to, and says that it lives', async () => {
    const { next, stop } = await stream(
      'WatchDir',
      { path: '.', includeEntry: true },
      { 'keepalive-ping-interval': '1' },
    );
    await next();
    expect((await next()).message).toEqual({ keepalive: {} });
    mkdirSync(at('d'));
    expect((await next()).message).toMatchObject({ filesystem: { name: 'd', entry: { path: at('d') } } });
    stop();
  });

  test('WatchDir ends when the time is over that the client gave, and says so', async () => {
    const { next } = await stream('WatchDir', { path: '.' }, { 'connect-timeout-ms': '2000' });
    await next();
    expect(await next()).toMatchObject({ flags: 2, message: { error: { code: 'deadline_exceeded' } } });
  });

  test.each([
    ['of nothing', { path: 'missing' }, 'not_found'],
    ['of a file', { path: 'f' }, 'invalid_argument'],
  ])('WatchDir %s ends with an error', async (_what, message, code) => {
    writeFileSync(at('f'), '');
    const { next } = await stream('WatchDir', message);
    expect(await next()).toMatchObject({ flags: 2, message: { error: { code } } });
  });

  test('a watcher keeps what happened until it is asked, and is gone when it is removed', async () => {
    const { watcherId } = (await call('CreateWatcher', { path: '.' })).body;
    writeFileSync(at('f'), '');
    const seen: unknown[] = [];
    while (seen.length === 0)
      seen.push(...((await call('GetWatcherEvents', { watcherId })).body['events'] as unknown[]));
    expect(seen).toEqual([{ name: 'f', type: 'EVENT_TYPE_CREATE' }]);
    expect((await call('GetWatcherEvents', { watcherId })).body).toEqual({ events: [] });
    expect((await call('RemoveWatcher', { watcherId })).status).toBe(200);
    expect((await call('GetWatcherEvents', { watcherId })).status).toBe(404);
  });

  test('of too many watchers the one that nobody asked for makes room', async () => {
    const ids: unknown[] = [];
    for (let n = 0; n < 64; n++) ids.push((await call('CreateWatcher', { path: '.' })).body['watcherId']);
    expect((await call('GetWatcherEvents', { watcherId: ids[0] })).status).toBe(200);
    await call('CreateWatcher', { path: '.' });
    expect((await call('GetWatcherEvents', { watcherId: ids[0] })).status).toBe(200);
    expect((await call('GetWatcherEvents', { watcherId: ids[1] })).status).toBe(404);
  });
});

describe('/files', () => {
  const upload = async (query: string, body: FormData | Buffer, headers: Record<string, string> = {}) => {
    const answer = await daemon().fetch(`/files?${query}`, {
      method: 'POST',
      headers: { ...headersOf(), ...headers },
      body,
    });
    return { status: answer.status, body: await answer.json() };
  };
  const formOf = (...files: readonly (readonly [name: string, content: string])[]): FormData => {
    const form = new FormData();
    for (const [name, content] of files) form.append('file', new Blob([content]), name);
    return form;
  };

  test('takes one file by its path and several by their names', async () => {
    expect(await upload('path=a/b', formOf(['whatever', 'one']))).toEqual({
      status: 200,
      body: [{ name: 'b', type: 'file', path: at('a/b') }],
    });
    expect((await upload('username=user', formOf(['c/d', 'two'], [at('ü'), 'three']))).body).toEqual([
      { name: 'd', type: 'file', path: at('c/d') },
      { name: 'ü', type: 'file', path: at('ü') },
    ]);
    expect(['a/b', 'c/d', 'ü'].map((name) => readFileSync(at(name), 'utf8'))).toEqual(['one', 'two', 'three']);
  });

  test('takes bytes as they are, and compressed', async () => {
    const type = { 'content-type': 'application/octet-stream' };
    expect((await upload('path=f', Buffer.from('plain'), type)).status).toBe(200);
    expect((await upload('path=g', gzipSync('packed'), { ...type, 'content-encoding': 'gzip' })).status).toBe(200);
    expect(['f', 'g'].map((name) => readFileSync(at(name), 'utf8'))).toEqual(['plain', 'packed']);
  });

  test('gives a file back, in parts too', async () => {
    writeFileSync(at('f'), '0123456789');
    const answer = await daemon().fetch('/files?path=~/f&username=user', {
      headers: { ...headersOf(), range: 'bytes=2-4' },
    });
    expect([answer.status, await answer.text()]).toEqual([206, '234']);
  });

  test.each([
    ['no path for bytes', '', { 'content-type': 'application/octet-stream' }, 400],
    ['another type', 'path=x', { 'content-type': 'text/plain' }, 400],
    ['another encoding', 'path=x', { 'content-type': 'application/octet-stream', 'content-encoding': 'br' }, 400],
    ['what is no gzip', 'path=x', { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' }, 400],
    ['a directory', 'path=.', { 'content-type': 'application/octet-stream' }, 400],
    ['another user', 'path=x&username=somebody', { 'content-type': 'application/octet-stream' }, 401],
    ['a broken form', 'path=x', { 'content-type': 'multipart/form-data; boundary=b' }, 400],
  ])('refuses %s', async (_what, query, headers, status) => {
    expect(await upload(query, Buffer.from('text'), headers)).toMatchObject({
      status,
      body: { message: expect.any(String) },
    });
  });

  test('refuses two files for one place', async () => {
    expect(await upload('path=f', formOf(['a', 'one'], ['b', 'two']))).toMatchObject({ status: 400 });
    expect(readFileSync(at('f'), 'utf8')).toBe('one');
  });

  test('says that there is nothing with the status that the SDKs know', async () => {
    const answer = await daemon().fetch('/files?path=missing', { headers: headersOf() });
    expect([answer.status, await answer.json()]).toEqual([
      404,
      expect.objectContaining({ message: expect.any(String) }),
    ]);
  });
});
