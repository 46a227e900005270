import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import type { TestDaemon } from '../sandboxd/support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { aSandbox } from '../support/resources.ts';
import { startDaemonFacade } from './support/daemon-facade.ts';
import { API_KEY, startFacade, type TestFacade } from './support/facade.ts';
import { ready } from './support/statuses.ts';

const DOMAIN = 'preview.example.com';

let facade: TestFacade;
let daemon: TestDaemon;
const servers: { readonly close: () => Promise<void> }[] = [];

beforeEach(async () => {
  ({ facade, daemon } = await startDaemonFacade({ previewDomain: DOMAIN }));
});
afterEach(async () => {
  for (const { close } of servers.splice(0)) await close();
});

/** What a user runs in a sandbox. */
const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push({
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
  return (server.address() as AddressInfo).port;
};

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Says what it was asked. */
const startEcho = (more: Record<string, string | string[]> = {}, status = 200): Promise<number> => {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    response.writeHead(status, { 'content-type': 'application/json', ...more });
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
  };
  return listen(createServer((request, response) => void answer(request, response)));
};

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
  readonly key?: string | null;
}
interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Not by fetch, which lets nobody set Host, Cookie or Connection. */
const send = (path: string, { method = 'GET', headers = {}, body, key = API_KEY }: Asked = {}): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(`${facade.url}${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { 'X-API-Key': key }),
        // Node frames the body of a DELETE or OPTIONS by nothing, unless it is told.
        ...(body === undefined || 'transfer-encoding' in headers ? {} : { 'Content-Length': Buffer.byteLength(body) }),
        ...(headers as Record<string, string>),
      },
    });
    request.once('response', (answer) => {
      text(answer).then(
        (all) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: all }),
        reject,
      );
    });
    request.once('error', reject);
    request.end(body);
  });
const echo = async (path: string, asked: Asked = {}): Promise<Echo> =>
  JSON.parse((await send(path, asked)).body) as Echo;

describe('a port by its path', () => {
  test('gets requests of every method as they are, and its answers come back', async () => {
    const port = await startEcho({ 'x-own': ['a', 'b'], etag: '"1"', 'cache-control': 'max-age=5' }, 418);
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const body = method === 'GET' ? undefined : 'body';
      const answer = await send(`/sandboxes/demo/ports/${port}/a%20b/..%2Fc?x=1&y=%zz`, {
        method,
        ...(body === undefined ? {} : { body }),
      });
      expect(answer).toMatchObject({
        status: 418,
        headers: { 'x-own': 'a, b', etag: '"1"', 'cache-control': 'max-age=5', 'x-request-id': expect.any(String) },
      });
      expect(JSON.parse(answer.body)).toMatchObject({ method, url: '/a%20b/..%2Fc?x=1&y=%zz', body: body ?? '' });
    }
    const head = await send(`/sandboxes/demo/ports/${port}/x`, { method: 'HEAD' });
    expect([head.status, head.body]).toEqual([418, '']);
  });

  test('does not get what is between the client and this server', async () => {
    const port = await startEcho();
    const { headers } = await echo(`/sandboxes/demo/ports/${port}/?ticket=mine`, {
      headers: {
        host: 'api.example.com',
        authorization: 'Bearer of-the-app',
        cookie: 'a=1; __Host-matrx-preview=secret; b=2',
        connection: 'x-one, keep-alive',
        'x-one': '1',
        te: 'trailers',
        'proxy-authorization': 'Basic x',
        forwarded: 'for=1.2.3.4',
        'x-forwarded-for': '1.2.3.4',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'evil.org',
        'x-forwarded-prefix': '/evil',
        'x-real-ip': '1.2.3.4',
        'x-kept': 'yes',
      },
    });
    expect(headers).toEqual({
      host: `localhost:${port}`,
      connection: 'close',
      authorization: 'Bearer of-the-app',
      cookie: 'a=1; b=2',
      'x-kept': 'yes',
      'x-forwarded-for': expect.stringContaining('127.0.0.1'),
      'x-forwarded-host': 'api.example.com',
      'x-forwarded-proto': 'https',
      'x-forwarded-prefix': `/sandboxes/demo/ports/${port}`,
    });
  });

  test('does not get the key, however it was sent, nor a ticket; its own are its own', async () => {
    const port = await startEcho();
    const bearer = await echo(`/sandboxes/demo/ports/${port}/`, {
      key: null,
      headers: { authorization: `Bearer ${API_KEY}` },
    });
    // An empty header is none: it is the bearer that lets the caller in.
    const both = await echo(`/sandboxes/demo/ports/${port}/`, {
      key: '',
      headers: { authorization: `Bearer ${API_KEY}` },
    });
    const basic = await echo(`/sandboxes/demo/ports/${port}/`, { headers: { authorization: 'Basic YTpi' } });
    const { ticket } = (await facade.request('/sandboxes/demo/tickets', { body: { scope: 'port', port } })).body as {
      ticket: string;
    };
    const ticketed = await echo(`/sandboxes/demo/ports/${port}/x?a=1&ticket=${ticket}&ticket=own`, { key: null });
    const encoded = await echo(`/sandboxes/demo/ports/${port}/x?%74icket=${ticket}`, { key: null });
    expect(encoded.url).toBe('/x');
    for (const { headers } of [bearer, both, basic, ticketed]) expect(JSON.stringify(headers)).not.toContain(API_KEY);
    expect(bearer.headers.authorization).toBeUndefined();
    expect(basic.headers.authorization).toBe('Basic YTpi');
    expect(ticketed.url).toBe('/x?a=1&ticket=own');
    expect(JSON.stringify(facade.logged())).not.toContain(ticket);
  });

  test('is shown by a browser as of no origin, whatever it says itself', async () => {
    const port = await startEcho({ 'content-security-policy': "default-src 'self'" });
    const { headers } = await send(`/sandboxes/demo/ports/${port}/`);
    expect(headers['content-security-policy']).toBe(
      "default-src 'self', sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads",
    );
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test('decides on nothing that holds for all of the origin', async () => {
    const own = {
      nel: '{"report_to":"x"}',
      'report-to': '{}',
      'clear-site-data': '"*"',
      'alt-svc': 'h2=":1"',
      'x-own': '1',
    };
    const port = await startEcho({ ...own, 'strict-transport-security': 'max-age=1', 'www-authenticate': 'Basic' });
    const { headers } = await send(`/sandboxes/demo/ports/${port}/`);
    expect(headers).toMatchObject({ 'x-own': '1' });
    for (const name of Object.keys(own).slice(0, 4)) expect(headers[name]).toBeUndefined();
    expect([headers['strict-transport-security'], headers['www-authenticate']]).toEqual([undefined, undefined]);
  });

  test('gets a body as a body, also where Connection names its length', async () => {
    const port = await startEcho();
    const { body, headers } = await echo(`/sandboxes/demo/ports/${port}/`, {
      method: 'DELETE',
      headers: { connection: 'content-length, x-one', 'x-one': '1' },
      body: 'GET /smuggled HTTP/1.1\r\n\r\n',
    });
    expect(body).toBe('GET /smuggled HTTP/1.1\r\n\r\n');
    expect(headers['x-one']).toBeUndefined();
  });

  test.each([
    'HTTP/1.1 099 Odd',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x',
    'HTTP/1.1 999 Odd',
  ])('that answers %j is answered for', async (head) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(`${head}\r\nContent-Length: 0\r\n\r\n`));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push({ close: () => new Promise((resolve) => server.close(() => resolve())) });
    const answer = await send(`/sandboxes/demo/ports/${(server.address() as AddressInfo).port}/`);
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([502, { type: 'tag:matrx.dev,2026:port-failed' }]);
  });

  test('keeps redirections and cookies where they belong', async () => {
    const prefix = (port: number): string => `/sandboxes/demo/ports/${port}`;
    const server = createServer((request, response) => {
      const { port } = server.address() as AddressInfo;
      const location = decodeURIComponent(request.url?.slice(1) ?? '').replace('PORT', String(port));
      response.writeHead(302, { location, 'set-cookie': ['a=1; Path=/x; Domain=example.com', 'b=2; HttpOnly'] });
      response.end();
    });
    const port = await listen(server);
    const redirected = async (location: string) =>
      (await send(`${prefix(port)}/${encodeURIComponent(location)}`)).headers;
    expect((await redirected('/login?x')).location).toBe(`${prefix(port)}/login?x`);
    expect((await redirected('http://localhost:PORT/a')).location).toBe(`${prefix(port)}/a`);
    expect((await redirected('http://127.0.0.1:PORT')).location).toBe(`${prefix(port)}/`);
    expect((await redirected('relative')).location).toBe('relative');
    expect((await redirected('https://elsewhere.org/')).location).toBe('https://elsewhere.org/');
    expect((await redirected('//elsewhere.org/')).location).toBe('//elsewhere.org/');
    expect((await redirected('/'))['set-cookie']).toEqual([
      `a=1; Path=${prefix(port)}/x`,
      `b=2; HttpOnly; Path=${prefix(port)}/`,
    ]);
  });

  test('has a root with a slash, so that its relative names lead to it', async () => {
    const port = await startEcho();
    const answer = await send(`/sandboxes/demo/ports/${port}?x=1`);
    expect([answer.status, answer.headers.location]).toEqual([308, `/sandboxes/demo/ports/${port}/?x=1`]);
    expect((await echo(`/sandboxes/demo/ports/${port}?x=1`, { method: 'POST' })).url).toBe('/?x=1');
    expect((await echo(`/sandboxes/demo/ports/${port}/?x=1`)).url).toBe('/?x=1');
  });

  test('streams: the answer begins before it ends, and so does the request', async () => {
    const more = Promise.withResolvers<void>();
    const port = await listen(
      createServer((request, response) => {
        request.once('data', (chunk: Buffer) => {
          response.write(`heard ${chunk.toString()}`);
          void more.promise.then(() => response.end(' and all'));
        });
      }),
    );
    const request = httpRequest(`${facade.url}/sandboxes/demo/ports/${port}/`, {
      method: 'POST',
      headers: { 'X-API-Key': API_KEY, 'transfer-encoding': 'chunked' },
    });
    const answered = new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
    request.write('first');
    const answer = await answered;
    const chunks = answer[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    expect(String((await chunks.next()).value)).toBe('heard first');
    more.resolve();
    request.end();
    expect(String((await chunks.next()).value)).toBe(' and all');
  });

  test('a body without a length is not mistaken for another request', async () => {
    const port = await startEcho();
    const { body, headers } = await echo(`/sandboxes/demo/ports/${port}/`, {
      method: 'DELETE',
      headers: { 'transfer-encoding': 'chunked' },
      body: 'GET /smuggled HTTP/1.1\r\n\r\n',
    });
    expect(body).toBe('GET /smuggled HTTP/1.1\r\n\r\n');
    expect(headers['transfer-encoding']).toBe('chunked');
  });

  test('a client that leaves ends the request in the sandbox', async () => {
    let gone = false;
    const port = await listen(
      createServer((_request, response) => {
        response.write('x');
        response.once('close', () => (gone = true));
      }),
    );
    const client = new AbortController();
    const answer = await fetch(`${facade.url}/sandboxes/demo/ports/${port}/`, {
      headers: { 'X-API-Key': API_KEY },
      signal: client.signal,
    });
    await answer.body?.getReader().read();
    client.abort();
    await eventually(() => gone);
  });

  test('an answer that breaks off is cut, and not taken for whole', async () => {
    const port = await listen(
      createServer((_request, response) => {
        response.writeHead(200, { 'content-length': 1000 });
        response.write('half', () => response.destroy());
      }),
    );
    await expect(send(`/sandboxes/demo/ports/${port}/`)).rejects.toThrow();
  });

  test.each([
    ['where nobody listens', () => 1, 502, 'port-closed'],
    ['of the daemon itself', () => daemon.port, 403, 'not-allowed'],
    ['that is none', () => 'x', 400, 'bad-request'],
    ['0', () => 0, 400, 'bad-request'],
    ['beyond all', () => 65_536, 400, 'bad-request'],
  ])('%s is refused', async (_what, port, status, type) => {
    const answer = await send(`/sandboxes/demo/ports/${port()}/`);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ type: `tag:matrx.dev,2026:${type}` });
  });

  test('that does not speak HTTP is answered for', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('SSH-2.0-OpenSSH\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push({ close: () => new Promise((resolve) => server.close(() => resolve())) });
    const answer = await send(`/sandboxes/demo/ports/${(server.address() as AddressInfo).port}/`);
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([502, { type: 'tag:matrx.dev,2026:port-failed' }]);
  });

  test('of a sandbox without a daemon cannot be reached, and the answer says what to do', async () => {
    const bare = await startFacade();
    bare.cluster.add(
      aSandbox()
        .status(ready('pod-1', { podIP: '127.0.0.1', podUid: 'x' }))
        .build(),
    );
    expect(await bare.request('/sandboxes/demo/ports/80/')).toMatchObject({
      status: 501,
      body: { detail: expect.stringContaining('sandboxd') },
    });
  });

  test('wants the scope for it', async () => {
    const caller = { kind: 'key', id: 'k', users: undefined, scopes: new Set(['files'] as const) } as const;
    const other = await startDaemonFacade({}, { authenticator: () => Promise.resolve(caller) });
    expect((await other.facade.request('/sandboxes/demo/ports/80/')).status).toBe(403);
    expect((await other.facade.request('/sandboxes/demo/tickets', { body: { scope: 'terminal' } })).status).toBe(403);
  });
});

const issue = async (body: object) =>
  (await facade.request('/sandboxes/demo/tickets', { body })).body as {
    ticket: string;
    url: string;
    expires_at: string;
  };

describe('a ticket', () => {
  test('says its address and its end', async () => {
    const ofPort = await issue({ scope: 'port', port: 3000, seconds: 60 });
    expect(ofPort.url).toBe(`https://3000-demo.${DOMAIN}/?ticket=${ofPort.ticket}`);
    expect(Math.abs(Date.parse(ofPort.expires_at) - Date.now() - 60_000)).toBeLessThan(10_000);
    const ofTerminal = await issue({ scope: 'terminal' });
    expect(ofTerminal.url).toBe(`${facade.url}/sandboxes/demo/terminal?ticket=${ofTerminal.ticket}`);
  });

  test('is for the path where there is no domain for previews', async () => {
    const plain = await startDaemonFacade();
    const { url } = (await plain.facade.request('/sandboxes/demo/tickets', { body: { scope: 'port', port: 3000 } }))
      .body as { url: string };
    expect(url).toMatch(`${plain.facade.url}/sandboxes/demo/ports/3000/?ticket=`);
  });

  test('opens that one port of that one sandbox by its path, and nothing else', async () => {
    const port = await startEcho();
    facade.cluster.add(
      aSandbox('other')
        .status(facade.cluster.get('demo')?.status ?? {})
        .build(),
    );
    const { ticket } = await issue({ scope: 'port', port });
    const status = async (path: string, method = 'GET') =>
      (await send(`${path}${path.includes('?') ? '&' : '?'}ticket=${ticket}`, { key: null, method })).status;
    expect(await status(`/sandboxes/demo/ports/${port}/`)).toBe(200);
    expect(await status(`/sandboxes/demo/ports/${port}/x?y`, 'POST')).toBe(200);
    expect(await status(`/sandboxes/demo/ports/${port + 1}/`)).toBe(403);
    expect(await status(`/sandboxes/other/ports/${port}/`)).toBe(404);
    for (const path of ['/sandboxes', '/sandboxes/demo', '/sandboxes/demo/files/~', '/sandboxes/demo/tickets']) {
      expect([403, 405]).toContain(await status(path));
    }
    expect((await send(`/sandboxes/demo/ports/${port}/?ticket=none`, { key: null })).status).toBe(403);
  });

  test.each([
    [{ scope: 'port' }],
    [{ scope: 'port', port: 0 }],
    [{ scope: 'terminal', port: 80 }],
    [{ scope: 'files' }],
    [{ scope: 'terminal', seconds: 3601 }],
    [{ scope: 'terminal', seconds: 0 }],
    [{}],
  ])('is not given for %j', async (body) => {
    expect((await facade.request('/sandboxes/demo/tickets', { body })).status).toBe(422);
  });

  test('is not given for a sandbox that is not there', async () => {
    expect((await facade.request('/sandboxes/none/tickets', { body: { scope: 'terminal' } })).status).toBe(404);
  });
});

describe('a preview on its own host', () => {
  const host = (port: number, sandbox = 'demo'): string => `${port}-${sandbox}.${DOMAIN}`;
  const cookieOf = ({ headers }: Answered): string => (headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';

  test('turns a ticket into a cookie, and the address into one without it', async () => {
    const port = await startEcho();
    const { ticket } = await issue({ scope: 'port', port, seconds: 600 });
    const first = await send(`/a/b?x=1&ticket=${ticket}`, { key: null, headers: { host: host(port) } });
    expect(first).toMatchObject({
      status: 302,
      headers: { location: '/a/b?x=1', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' },
    });
    expect(first.headers['set-cookie']).toEqual([
      expect.stringMatching(
        /^__Host-matrx-preview=[\w.-]+; Path=\/; Max-Age=(600|599); HttpOnly; Secure; SameSite=None; Partitioned$/,
      ),
    ]);
    for (const path of ['//evil.org/', String.raw`/\evil.org/`, String.raw`\/evil.org/`]) {
      const led = await send(`${path}?ticket=${ticket}`, { key: null, headers: { host: host(port) } });
      expect(led.headers.location).toBe('/evil.org/');
    }
    const cookie = `mine=1; ${cookieOf(first)}`;
    const { url, headers } = await echo('/a/b?x=1', { key: null, headers: { host: host(port), cookie } });
    expect(url).toBe('/a/b?x=1');
    expect(headers).toMatchObject({ host: `localhost:${port}`, cookie: 'mine=1', 'x-forwarded-host': host(port) });
    expect(headers['x-forwarded-prefix']).toBeUndefined();
  });

  test('takes a ticket with a POST as it is, and a key in its own header; Authorization is the port’s', async () => {
    const port = await startEcho();
    const { ticket } = await issue({ scope: 'port', port });
    const asked = { headers: { host: host(port), authorization: 'Bearer of-the-app' } };
    const posted = await echo(`/x?ticket=${ticket}`, { ...asked, key: null, method: 'POST', body: 'b' });
    expect([posted.url, posted.body, posted.headers.authorization]).toEqual(['/x', 'b', 'Bearer of-the-app']);
    const keyed = await echo('/x', asked);
    expect([keyed.headers.authorization, keyed.headers['x-api-key']]).toEqual(['Bearer of-the-app', undefined]);
  });

  test('passes answers on as they are, but for cookies of other hosts', async () => {
    const port = await startEcho({ 'set-cookie': [`a=1; Domain=${DOMAIN}; Path=/x`, 'b=2'], location: '/y' }, 201);
    const { headers } = await send('/x', { headers: { host: host(port) } });
    expect(headers).toMatchObject({ 'set-cookie': ['a=1; Path=/x', 'b=2'], location: '/y' });
    for (const name of ['content-security-policy', 'x-content-type-options', 'cache-control']) {
      expect(headers[name]).toBeUndefined();
    }
  });

  test('lets nobody in without leave for it', async () => {
    const port = await startEcho();
    facade.cluster.add(
      aSandbox('other')
        .status(facade.cluster.get('demo')?.status ?? {})
        .build(),
    );
    const { ticket } = await issue({ scope: 'port', port });
    const status = async (path: string, headers: Record<string, string>, key: string | null = null) => {
      const answer = await send(path, { key, headers });
      return [answer.status, (JSON.parse(answer.body) as { type: string }).type.split(':')[2]];
    };
    expect(await status('/', { host: host(port) })).toEqual([401, 'missing-ticket']);
    expect(await status('/', { host: host(port), authorization: `Bearer ${API_KEY}` })).toEqual([
      401,
      'missing-ticket',
    ]);
    expect(await status('/?ticket=x', { host: host(port) })).toEqual([403, 'invalid-ticket']);
    expect(await status('/', { host: host(port) }, 'wrong')).toEqual([403, 'invalid-api-key']);
    const cookie = `__Host-matrx-preview=${ticket}`;
    expect(await status('/', { host: host(port + 1), cookie })).toEqual([403, 'not-allowed']);
    expect(await status('/', { host: host(port, 'other'), cookie })).toEqual([404, 'not-found']);
    expect(await status(`/?ticket=${ticket}`, { host: host(port, 'other') })).toEqual([404, 'not-found']);
    const { ticket: terminal } = await issue({ scope: 'terminal' });
    expect(await status(`/?ticket=${terminal}`, { host: host(port) })).toEqual([403, 'not-allowed']);
  });

  test('has nothing of this API, and below the domain there is nothing else', async () => {
    const port = await startEcho();
    for (const path of ['/health', '/sandboxes', '/openapi.json', '/']) {
      expect((await echo(path, { headers: { host: host(port) } })).url).toBe(path);
      expect((await send(path, { headers: { host: `x.${DOMAIN}` } })).status).toBe(404);
    }
    expect((await send('/health', { key: null, headers: { host: DOMAIN } })).status).toBe(200);
  });
});

describe('a WebSocket to a port', () => {
  let port: number;
  let heard: IncomingMessage[];

  beforeEach(async () => {
    heard = [];
    const server = createServer((_request, response) => {
      response.writeHead(403, { 'x-own': '1' });
      response.end('no WebSocket here');
    });
    const sockets = new WebSocketServer({
      noServer: true,
      handleProtocols: (protocols) => [...protocols][0] ?? false,
    });
    server.on('upgrade', (request, socket, head) => {
      heard.push(request);
      if (request.url?.startsWith('/refuse') === true) {
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Own: 1\r\n\r\nno');
        return;
      }
      sockets.handleUpgrade(request, socket, head, (websocket) => {
        websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
        websocket.send('hello');
      });
    });
    port = await listen(server);
    servers.push({ close: () => new Promise((resolve) => sockets.close(() => resolve())) });
  });

  const open = (path: string, headers: Record<string, string> = { 'X-API-Key': API_KEY }, protocols: string[] = []) =>
    new WebSocket(`${facade.url.replace('http', 'ws')}${path}`, protocols, { headers });
  const message = (socket: WebSocket): Promise<string> =>
    new Promise((resolve, reject) => {
      socket.once('message', (data: Buffer) => resolve(data.toString()));
      socket.once('error', reject);
    });
  const refusal = (socket: WebSocket): Promise<readonly [number | undefined, string]> =>
    new Promise((resolve, reject) => {
      socket.once('unexpected-response', (_request, answer) => {
        text(answer).then((body) => resolve([answer.statusCode, body]), reject);
      });
      socket.on('error', () => undefined);
    });

  test('carries messages both ways, by the path, with the app’s own protocol', async () => {
    const key = Buffer.from(API_KEY).toString('base64url');
    const socket = open(`/sandboxes/demo/ports/${port}/ws?x=1`, {}, ['app.v1', `matrx.key.${key}`]);
    expect(await message(socket)).toBe('hello');
    expect(socket.protocol).toBe('app.v1');
    const echoed = message(socket);
    socket.send('x'.repeat(1_000_000));
    expect(await echoed).toHaveLength(1_000_000);
    expect(heard[0]?.url).toBe('/ws?x=1');
    expect(JSON.stringify(heard[0]?.headers)).not.toContain(key);
    expect(heard[0]?.headers).toMatchObject({ host: `localhost:${port}`, 'sec-websocket-protocol': 'app.v1' });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.close(1000);
    expect(await closed).toBe(1000);
  });

  test('is opened with a ticket by the path, and with its cookie on the preview’s host', async () => {
    const { ticket } = await issue({ scope: 'port', port });
    expect(await message(open(`/sandboxes/demo/ports/${port}/ws?ticket=${ticket}`, {}))).toBe('hello');
    const host = `${port}-demo.${DOMAIN}`;
    const socket = open('/ws', { host, cookie: `__Host-matrx-preview=${ticket}`, origin: `https://${host}` });
    expect(await message(socket)).toBe('hello');
    expect(heard[1]?.headers.cookie).toBeUndefined();
    expect((await refusal(open('/ws', { host })))[0]).toBe(401);
    expect((await refusal(open('/ws', { host: `x.${DOMAIN}` })))[0]).toBe(404);
  });

  test('is not opened by a page of another site, whatever cookies its browser has', async () => {
    const { ticket } = await issue({ scope: 'port', port });
    const headers = {
      host: `${port}-demo.${DOMAIN}`,
      cookie: `__Host-matrx-preview=${ticket}`,
      origin: 'https://evil.org',
    };
    expect((await refusal(open('/ws', headers)))[0]).toBe(403);
    expect(heard).toEqual([]);
  });

  test('that the port refuses is answered as the port answers, and the connection ends with it', async () => {
    const [status, body] = await refusal(open(`/sandboxes/demo/ports/${port}/refuse`));
    expect([status, body]).toEqual([403, 'no']);
    // Nothing that comes on the same connection reaches the sandbox.
    const raw = connect(Number(new URL(facade.url).port), '127.0.0.1');
    raw.write(
      `GET /sandboxes/demo/ports/${port}/refuse HTTP/1.1\r\nHost: a\r\nX-API-Key: ${API_KEY}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n` +
        `GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
    );
    const all = await text(raw);
    expect(all).toMatch(/^HTTP\/1\.1 403/);
    expect(all).toMatch(/connection: close/i);
    expect(all).toMatch(/no$/);
    expect(heard.map(({ url }) => url)).toEqual(['/refuse', '/refuse']);
  });

  test('to what is no WebSocket, or to no port, is refused', async () => {
    expect((await refusal(open('/sandboxes/demo/ports/1/')))[0]).toBe(502);
    expect((await refusal(open('/sandboxes/demo/ports/x/')))[0]).toBe(400);
    const other = await send(`/sandboxes/demo/ports/${port}/`, { headers: { connection: 'Upgrade', upgrade: 'h2c' } });
    expect(other.status).toBe(400);
  });

  test('ends in the sandbox when the client is gone, and at the client when the server stops', async () => {
    const socket = open(`/sandboxes/demo/ports/${port}/ws`);
    await message(socket);
    let ended = false;
    heard[0]?.socket.once('close', () => (ended = true));
    socket.terminate();
    await eventually(() => ended);
    const second = open(`/sandboxes/demo/ports/${port}/ws`);
    await message(second);
    const closed = new Promise((resolve) => second.once('close', resolve));
    second.on('error', () => undefined);
    await facade.stop();
    await closed;
  });
});
