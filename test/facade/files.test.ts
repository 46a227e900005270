import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { FilePage, FileRepresentation } from '../../src/facade/files/file-representation.ts';
import type { z } from 'zod';
import { startDaemon, type TestDaemon } from '../sandboxd/support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { aSandbox } from '../support/resources.ts';
import { startDaemonFacade } from './support/daemon-facade.ts';
import { eventsOf } from './support/event-stream.ts';
import { API_KEY, type Answer, startFacade, type TestFacade } from './support/facade.ts';
import { notReady, ready } from './support/statuses.ts';

type Page = z.infer<typeof FilePage>;

let facade: TestFacade;
let daemon: TestDaemon;
let at: (name: string) => string;

beforeEach(async () => {
  ({ facade, daemon } = await startDaemonFacade());
  at = (name) => join(daemon.home, name);
});

/** As bytes. `path` is a part of a URL already. */
const send = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${facade.url}/sandboxes/demo/${path}`, {
    ...init,
    headers: { 'X-API-Key': API_KEY, ...(init.headers as Record<string, string>) },
  });
const get = (path: string, headers: Record<string, string> = {}) => send(`files/${path}`, { headers });
const put = async (path: string, body: string | Buffer, headers: Record<string, string> = {}) => {
  const answer = await send(`files/${path}`, { method: 'PUT', body, headers });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as FileRepresentation };
};
const ask = (path: string, body?: unknown, method?: string): Promise<Answer> =>
  facade.request(`/sandboxes/demo/${path}`, { body, ...(method === undefined ? {} : { method }) });

describe('a file', () => {
  test('comes with its bytes and what a browser must know of them', async () => {
    writeFileSync(at('page.html'), '<script>alert(1)</script>');
    const answer = await get('~/page.html');
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-length': '25',
      'content-disposition': 'inline; filename="page.html"',
      'content-security-policy': 'sandbox',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      'accept-ranges': 'bytes',
      etag: expect.any(String),
      'cache-control': 'private, no-cache',
    });
    expect(await answer.text()).toBe('<script>alert(1)</script>');
  });

  test('is found from the root, from the home, and by any bytes of its name', async () => {
    writeFileSync(at('f'), 'plain');
    writeFileSync(at('a b+c%41&d=e#f?g;h'), 'odd');
    mkdirSync(at('~'));
    writeFileSync(at('~/f'), 'below a directory called ~');
    writeFileSync(Buffer.concat([Buffer.from(at('no utf-8 ')), Buffer.from([0xff])]), 'bytes');
    const read = async (path: string) => (await get(path)).text();
    expect(await read(`${daemon.home.slice(1)}/f`)).toBe('plain');
    expect(await read('~/f')).toBe('plain');
    expect(await read('%7e/f')).toBe('plain');
    expect(await read('~/~/f')).toBe('below a directory called ~');
    expect(await read(`~/${encodeURIComponent('a b+c%41&d=e#f?g;h')}`)).toBe('odd');
    expect(await read('~/a%20b+c%2541&d=e%23f%3Fg;h')).toBe('odd');
    expect(await read('~/no%20utf-8%20%FF')).toBe('bytes');
    expect(await read('~%2Ff')).toMatch('no such file');
  });

  test('is sent in part, or not again', async () => {
    writeFileSync(at('f'), '0123456789');
    const etag = (await get('~/f')).headers.get('etag') ?? '';
    const part = await get('~/f', { range: 'bytes=2-4', 'if-range': etag });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 2-4/10', '234']);
    const same = await get('~/f', { 'if-none-match': etag });
    expect([same.status, same.headers.get('etag'), await same.text()]).toEqual([304, etag, '']);
    const beyond = await get('~/f', { range: 'bytes=99-' });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    expect(await beyond.json()).toMatchObject({ type: 'tag:matrx.dev,2026:range-not-satisfiable' });
    appendFileSync(at('f'), 'x');
    expect((await get('~/f', { 'if-match': etag })).status).toBe(412);
    expect(await (await get('~/f', { range: 'bytes=2-4', 'if-range': etag })).text()).toBe('0123456789x');
  });

  test('is described by HEAD, and saved by a browser when it should be', async () => {
    writeFileSync(at('grüße "1".txt'), 'x');
    const path = `files/~/${encodeURIComponent('grüße "1".txt')}`;
    const answer = await send(`${path}?download=1`, { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([200, '1', '']);
    expect(answer.headers.get('content-disposition')).toBe(
      `attachment; filename="gr__e _1_.txt"; filename*=UTF-8''gr%C3%BC%C3%9Fe%20%221%22.txt`,
    );
    const full = await send(path);
    expect(full.headers.get('etag')).toBe(answer.headers.get('etag'));
    expect(full.headers.get('last-modified')).toBe(answer.headers.get('last-modified'));
    expect((await send('files/~/missing', { method: 'HEAD' })).status).toBe(404);
  });

  test.each([
    ['nothing', '~/missing', 404, 'not-found', undefined],
    ['what is below a file', '~/f/x', 409, 'file-conflict', 'not_directory'],
    ['symlinks that lead to each other', '~/loop', 409, 'file-conflict', 'symlink_loop'],
    ['a device', 'dev/zero', 409, 'file-conflict', 'not_regular'],
    ['what is not percent-encoded', '~/%zz', 400, 'bad-request', undefined],
    ['a NUL', '~/a%00b', 400, 'bad-request', undefined],
  ])('that is %s is refused with the reason', async (_what, path, status, type, reason) => {
    writeFileSync(at('f'), '');
    symlinkSync('loop', at('loop'));
    const answer = await ask(`files/${path}`);
    expect(answer).toMatchObject({
      status,
      body: { type: `tag:matrx.dev,2026:${type}`, detail: expect.any(String), sandbox_id: 'demo' },
    });
    expect((answer.body as { reason?: string }).reason).toBe(reason);
  });

  test('is cut, and not taken for whole, when the sandbox is gone midway', async () => {
    const other = await startDaemonFacade();
    writeFileSync(join(other.daemon.home, 'large'), Buffer.alloc(64_000_000));
    const answer = await fetch(`${other.facade.url}/sandboxes/demo/files/~/large`, {
      headers: { 'X-API-Key': API_KEY },
    });
    const body = answer.body?.getReader();
    await body?.read();
    await other.daemon.close();
    await expect(
      (async () => {
        while ((await body?.read())?.done === false);
      })(),
    ).rejects.toThrow();
    await other.facade.untilLogged(({ msg }) => msg === 'an answer from a sandbox broke off');
  });

  test('is given up in the sandbox when the client leaves, and is logged as that', async () => {
    writeFileSync(at('large'), Buffer.alloc(64_000_000));
    const client = new AbortController();
    const answer = await send('files/~/large', { signal: client.signal });
    await answer.body?.getReader().read();
    client.abort();
    await facade.untilLogged(({ msg, status }) => msg === 'request' && status === 499);
  });
});

describe('a directory', () => {
  test('is answered with what is in it, page by page', async () => {
    mkdirSync(at('d/sub'), { recursive: true });
    writeFileSync(at('d/f'), 'hello', { mode: 0o640 });
    symlinkSync('f', at('d/link'));
    const first = (await ask('files/~/d?limit=2')).body as Page;
    expect(first.entries).toMatchObject([
      { path: at('d/f'), name: 'f', type: 'file', size: 5, mode: '0640', etag: expect.any(String) },
      { path: at('d/link'), type: 'symlink', target: 'f' },
    ]);
    const second = (await ask(`files/~/d?limit=2&after=${encodeURIComponent(first.next ?? '')}`)).body as Page;
    expect([second.entries.map(({ name }) => name), second.next]).toEqual([['sub'], null]);
    expect(((await ask('files/~?depth=2')).body as Page).entries).toHaveLength(4);
    expect((await send('files/~/d', { method: 'HEAD' })).headers.get('content-type')).toMatch('json');
  });

  test.each(['files', 'files/'])('that is the root is at %s', async (path) => {
    const { entries } = (await ask(path)).body as Page;
    expect(entries.map(({ path: shown }) => shown)).toContain('/etc');
  });

  test('names what is no UTF-8 so that one can ask for it, and go on after it', async () => {
    for (const byte of [0xfe, 0xff]) {
      writeFileSync(Buffer.concat([Buffer.from(`${daemon.home}/`), Buffer.from([byte])]), 'bytes');
    }
    const page = (await ask('files/~?limit=1')).body as Page;
    expect(page.entries[0]?.encoded_path).toBe(`${daemon.home}/%FE`);
    expect(await (await get(`${page.entries[0]?.encoded_path?.slice(1)}`)).text()).toBe('bytes');
    const rest = (await ask(`files/~?after=${encodeURIComponent(page.next ?? '')}`)).body as Page;
    expect(rest.entries.map(({ encoded_path: path }) => path)).toEqual([`${daemon.home}/%FF`]);
  });

  test.each(['depth=0', 'limit=0', 'limit=10001', 'limit=x', 'after=a b', 'archive=zip', 'download=maybe'])(
    'refuses %s',
    async (query) => {
      expect((await ask(`files/~?${query}`)).status).toBe(422);
    },
  );

  test('goes down as tar and up again as it was', async () => {
    mkdirSync(at('from/sub'), { recursive: true });
    writeFileSync(at('from/script'), '#!/bin/sh');
    chmodSync(at('from/script'), 0o755);
    symlinkSync('../script', at('from/sub/link'));
    const down = await get('~/from?archive=tar');
    expect(Object.fromEntries(down.headers)).toMatchObject({
      'content-type': 'application/x-tar',
      'content-disposition': 'attachment; filename="from.tar"',
    });
    const tar = Buffer.from(await down.arrayBuffer());
    expect((await get('~/from', { accept: 'application/x-tar' })).headers.get('content-type')).toBe(
      'application/x-tar',
    );
    const up = await send('files/~/a/to?archive=tar', { method: 'PUT', body: tar });
    expect([up.status, await up.json()]).toEqual([200, { entries: 4 }]);
    expect(lstatSync(at('a/to/script')).mode & 0o777).toBe(0o755);
    expect(lstatSync(at('a/to/sub/link')).isSymbolicLink()).toBe(true);
  });

  test('takes no archive that leads out of it', async () => {
    writeFileSync(at('f'), '');
    const tar = execFileSync('tar', ['-c', '-P', '--transform', 's,^,../,', 'f'], { cwd: daemon.home });
    expect(await (await send('files/~/d?archive=tar', { method: 'PUT', body: tar })).json()).toMatchObject({
      status: 400,
      reason: 'not_an_archive',
    });
  });
});

describe('an upload', () => {
  test('makes and replaces files, and the directories above them unless it may not', async () => {
    const made = await put('~/a/b/new.txt', 'one');
    expect(made).toMatchObject({ status: 201, body: { path: at('a/b/new.txt'), size: 3, type: 'file' } });
    expect(made.headers.get('etag')).toBe(made.body.etag);
    expect((await put('~/a/b/new.txt?mode=0600', 'two')).body).toMatchObject({ mode: '0600' });
    expect(readFileSync(at('a/b/new.txt'), 'utf8')).toBe('two');
    expect((await put('~/c/d?parents=false', 'x')).status).toBe(404);
    expect((await put('~/f?mode=999', 'x')).status).toBe(422);
  });

  test('writes only over what the client has seen', async () => {
    const { etag } = (await put('~/f', 'one')).body;
    expect((await put('~/f', 'two', { 'if-none-match': '*' })).status).toBe(412);
    expect((await put('~/f', 'two', { 'if-match': etag })).status).toBe(200);
    expect(await put('~/f', 'three', { 'if-match': etag })).toMatchObject({
      status: 412,
      body: { type: 'tag:matrx.dev,2026:precondition-failed' },
    });
    expect(readFileSync(at('f'), 'utf8')).toBe('two');
  });

  test('that breaks off leaves the old file, and nothing beside it', async () => {
    writeFileSync(at('f'), 'old');
    const upload = httpRequest(`${facade.url}/sandboxes/demo/files/~/f`, {
      method: 'PUT',
      headers: { 'X-API-Key': API_KEY, 'content-length': 1000 },
    }).on('error', () => undefined);
    upload.write('half');
    await eventually(() => readdirSync(daemon.home).length === 2);
    upload.destroy();
    await eventually(() => readdirSync(daemon.home).length === 1);
    expect(readFileSync(at('f'), 'utf8')).toBe('old');
    await facade.untilLogged(({ msg, status }) => msg === 'request' && status === 499);
  });

  test('of unknown length, slowly, comes whole', async () => {
    const upload = httpRequest(`${facade.url}/sandboxes/demo/files/~/f`, {
      method: 'PUT',
      headers: { 'X-API-Key': API_KEY },
    });
    const answered = new Promise<number | undefined>((resolve) =>
      upload.once('response', (a) => resolve(a.statusCode)),
    );
    for (const piece of ['one ', 'two ', 'three']) {
      await new Promise((resolve) => upload.write(piece, resolve));
      await eventually(() => readdirSync(daemon.home).length === 1);
    }
    upload.end();
    expect(await answered).toBe(201);
    expect(readFileSync(at('f'), 'utf8')).toBe('one two three');
  });

  test('to a directory is refused while it is still coming', async () => {
    mkdirSync(at('d'));
    const answer = await put('~/d', Buffer.alloc(8_000_000));
    expect(answer).toMatchObject({ status: 409, body: { reason: 'is_directory' } });
  });
});

describe('other things that can be done', () => {
  test('DELETE takes a file, and a full directory when it is asked to', async () => {
    mkdirSync(at('d'));
    writeFileSync(at('d/f'), '');
    expect(await ask('files/~/d', undefined, 'DELETE')).toMatchObject({ status: 409, body: { reason: 'not_empty' } });
    expect((await ask('files/~/d?recursive=true', undefined, 'DELETE')).status).toBe(204);
    expect((await ask('files/~/d', undefined, 'DELETE')).status).toBe(404);
    expect(existsSync(at('d'))).toBe(false);
  });

  test('mkdir, stat and move', async () => {
    expect(await ask('files/mkdir', { path: 'a/b', parents: true, mode: '0700' })).toMatchObject({
      status: 201,
      body: { type: 'directory', mode: '0700' },
    });
    expect((await ask('files/mkdir', { path: 'a/b', parents: true })).status).toBe(200);
    expect(await ask('files/mkdir', { path: 'a/b' })).toMatchObject({ status: 409, body: { type: /file-exists/ } });
    symlinkSync('a', at('link'));
    expect((await ask('files/stat', { path: 'link' })).body).toMatchObject({ type: 'directory' });
    expect((await ask('files/stat', { path: 'link', follow: false })).body).toMatchObject({ target: 'a' });
    expect((await ask('files/move', { from: 'a', to: at('x y&z') })).body).toMatchObject({ path: at('x y&z') });
    writeFileSync(at('f'), '');
    expect((await ask('files/move', { from: 'f', to: 'link' })).status).toBe(409);
    expect((await ask('files/move', { from: 'f', to: 'new/f', parents: true })).status).toBe(200);
  });

  test('give a proper name to what has none that is UTF-8', async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${daemon.home}/`), Buffer.from([0xff])]), 'x');
    const { encoded_path: path } = ((await ask('files/~')).body as Page).entries[0] ?? {};
    expect((await ask('files/stat', { encoded_path: path })).body).toMatchObject({ encoded_path: path });
    expect((await ask('files/move', { from_encoded: path, to: 'proper' })).status).toBe(200);
    expect(readdirSync(daemon.home)).toEqual(['proper']);
  });

  test.each([
    ['files/stat', {}, 400],
    ['files/stat', { path: 'a', encoded_path: 'a' }, 400],
    ['files/stat', { path: 'a\0b' }, 422],
    ['files/stat', { encoded_path: 'a b' }, 422],
    ['files/stat', { path: 5 }, 422],
    ['files/mkdir', { path: 'a', mode: 'rwx' }, 422],
    ['files/move', { from: 'a' }, 400],
    ['files/move', { from: 'a', to: 'b', extra: 1 }, 422],
  ])('refuse %s of %j', async (path, body, status) => {
    expect((await ask(path, body)).status).toBe(status);
  });
});

describe('a watch', () => {
  test('tells what happens as server-sent events', async () => {
    const client = new AbortController();
    const answer = await send('watch?recursive=true', { signal: client.signal });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const events = eventsOf(answer);
    const next = async () => {
      const { value } = await events.next();
      return [value?.event, value?.data];
    };
    expect(await next()).toEqual(['ready', { path: daemon.home }]);
    mkdirSync(at('d'));
    expect(await next()).toEqual(['created', { path: at('d') }]);
    writeFileSync(at('d/f'), '');
    expect(await next()).toEqual(['created', { path: at('d/f') }]);
    execFileSync('mv', [at('d/f'), at('g')]);
    expect(await next()).toEqual(['moved', { from: at('d/f'), path: at('g') }]);
    client.abort();
  });

  test('ends with the directory, and says why it ends otherwise', async () => {
    mkdirSync(at('a b+c'));
    const gone = await send('watch?path=a%20b%2Bc');
    const events = eventsOf(gone);
    await events.next();
    rmSync(at('a b+c'), { recursive: true });
    expect((await events.next()).value).toMatchObject({ event: 'removed' });
    expect((await events.next()).done).toBe(true);
    const broken = eventsOf(await send('watch'));
    await broken.next();
    await daemon.close();
    expect((await broken.next()).value).toMatchObject({ event: 'problem', data: { status: expect.any(Number) } });
  });

  test('of nothing is refused', async () => {
    expect((await ask('watch?path=missing')).status).toBe(404);
    expect((await ask('watch?path=')).status).toBe(422);
  });

  test('HEAD only says that it could be watched', async () => {
    const answer = await send('watch', { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  });
});

describe('files of a sandbox', () => {
  test('that has no daemon cannot be had, and the answer says what to do', async () => {
    const bare = await startFacade();
    bare.cluster.add(
      aSandbox()
        .status(ready('pod-1', { podIP: '127.0.0.1', podUid: 'x' }))
        .build(),
    );
    for (const options of [{}, { method: 'PUT', body: 'x' }, { method: 'DELETE' }]) {
      expect(await bare.request('/sandboxes/demo/files/~/f', options)).toMatchObject({
        status: 501,
        body: { type: 'tag:matrx.dev,2026:not-in-image', detail: expect.stringContaining('sandboxd') },
      });
    }
  });

  test('that does not run, or is not there, or is not the caller’s', async () => {
    facade.cluster.add(
      aSandbox('starting')
        .status(notReady('CreatingPod', 'x', { podName: 'p' }))
        .build(),
    );
    expect((await facade.request('/sandboxes/starting/files/~/f')).status).toBe(409);
    expect((await facade.request('/sandboxes/none/files/~/f')).status).toBe(404);
    expect((await facade.request('/sandboxes/demo/files/~/f', { headers: { 'X-API-Key': null } })).status).toBe(401);
  });

  test('want the scope for them', async () => {
    const caller = {
      kind: 'key',
      id: 'k',
      users: undefined,
      scopes: new Set(['exec', 'sandboxes:read'] as const),
    } as const;
    const other = await startDaemonFacade({}, { authenticator: () => Promise.resolve(caller) });
    expect(await other.facade.request('/sandboxes/demo/files/~/f')).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining('files') },
    });
  });

  test('are those of the pod that is meant: a daemon of another refuses', async () => {
    const other = await startDaemon({ podUid: 'another' });
    expect(other.port).not.toBe(daemon.port);
    facade.cluster.setStatus('demo', ready('pod-2', { podIP: '127.0.0.1', podUid: 'another' }));
    expect((await ask('files/~/f')).status).toBe(503);
  });
});
