import { createServer, request as httpRequest } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { type Caller, SCOPES } from '../../src/facade/caller.ts';
import { findSandbox } from '../../src/facade/find-sandbox.ts';
import type { RateVerdict } from '../../src/facade/limits/rate-limiter.ts';
import { type Route, type UpgradeRoute, upgradeRoute } from '../../src/facade/route.ts';
import { makeRoutes, makeUpgradeRoutes } from '../../src/facade/routes/table.ts';
import { makeUpgradeHandler } from '../../src/facade/upgrades.ts';
import { aSandbox } from '../support/resources.ts';
import { startFacade, type TestFacade } from './support/facade.ts';
import { sampleInput } from './support/sample-input.ts';
import { ready } from './support/statuses.ts';

const BOB: Caller = { kind: 'key', id: 'k-bob', users: new Set(['bob']), scopes: new Set(SCOPES) };
/** Bob's own sandbox. */
const BOBS_SANDBOX: Caller = { kind: 'sandbox', sandbox: 'sbx-of-bob', podUid: 'pod-of-bob' };

/** As long as each other, so that the answers have the same length. */
const FOREIGN = 'sbx-000000000001';
const ABSENT = 'sbx-000000000002';

/** What the walk cannot find out by itself, by operationId. */
const SAMPLES: Readonly<
  Record<string, { readonly body?: unknown; readonly query?: Readonly<Record<string, string>> }>
> = {
  startProcess: { body: { command: 'true' } },
  describeFile: { body: { path: 'a' } },
  makeDirectory: { body: { path: 'a' } },
  moveFile: { body: { from: 'a', to: 'b' } },
  watchFiles: { query: { path: 'a' } },
};

/** A facade that takes every credential for `caller`'s, with a running sandbox of ann's and one of bob's. */
const startAs = async (caller: Caller): Promise<TestFacade> => {
  const unlimited = (): RateVerdict => ({ allowed: true, remaining: 1, resetMs: 1 });
  const facade = await startFacade({}, undefined, {
    authenticator: () => Promise.resolve(caller),
    rateLimiter: { take: unlimited, peek: unlimited },
  });
  const address = { podIP: '127.0.0.1', podUid: 'pod-of-ann' };
  facade.cluster.add(aSandbox(FOREIGN).ofUser('ann').status(ready(FOREIGN, address)).build());
  facade.cluster.add(
    aSandbox('sbx-of-bob')
      .ofUser('bob')
      .status(ready('sbx-of-bob', { podUid: 'pod-of-bob' }))
      .build(),
  );
  return facade;
};

/** All that a client can tell answers apart by, with the asked id as `<id>`. */
interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Asked = Pick<Route | UpgradeRoute, 'path' | 'operationId' | 'query'> & Partial<Pick<Route, 'method' | 'body'>>;

const ask = (facade: TestFacade, route: Asked, id: string): Promise<Seen> =>
  new Promise((resolve, reject) => {
    const { method, path, headers, body } = requestOf(route, id);
    const request = httpRequest(`${facade.url}${path}`, {
      method,
      headers: { 'X-API-Key': 'any', 'X-Request-Id': 'same', ...headers },
    });
    request.once('error', reject);
    request.once('upgrade', (_response, socket) => {
      socket.destroy();
      reject(new Error('was upgraded'));
    });
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => {
        const told = Object.entries(response.headers).filter(([name]) => name !== 'date' && name !== 'x-request-id');
        const without = (text: string): string => text.replaceAll(id, '<id>');
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(told.map(([name, value]) => [name, without(String(value))])),
          body: without(Buffer.concat(chunks).toString()),
        });
      });
    });
    request.end(body);
  });

const requestOf = (route: Asked, id: string) => {
  const { method, body, query, operationId } = route;
  const sample = SAMPLES[operationId] ?? {};
  const asked = sample.query ?? (query === undefined ? {} : sampleInput(query));
  const search = new URLSearchParams(asked as Record<string, string>).toString();
  const path = `${pathOf(route.path, id)}${search === '' ? '' : `?${search}`}`;
  const upgrade = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Key': 'a'.repeat(22),
    'Sec-WebSocket-Version': '13',
  };
  if (method === undefined) return { method: 'GET', path, headers: upgrade, body: undefined };
  if (body === undefined) return { method, path, headers: {}, body: undefined };
  if (body === 'stream')
    // With its length: Node frames the body of a DELETE by nothing, unless it is told.
    return {
      method,
      path,
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': '5' },
      body: 'bytes',
    };
  const text = JSON.stringify(sample.body ?? sampleInput(body));
  return { method, path, headers: { 'Content-Type': 'application/json' }, body: text };
};

const pathOf = (pattern: string, id: string): string =>
  pattern
    .replaceAll(/[{}]/g, '')
    .replaceAll(/:(id|user)(?=\W|$)/g, id)
    .replaceAll(/[:*]\w+/g, '1');

const namesSandbox = ({ path }: { readonly path: string }): boolean => /:id(?=\W|$)/.test(path);

const allRoutes = ({ dependencies }: TestFacade): readonly (Asked & Pick<Route, 'access'>)[] => [
  ...makeRoutes(dependencies),
  ...makeUpgradeRoutes(dependencies),
];

/** Nothing was started, changed or run, in anybody's sandbox. */
const expectUntouched = ({ cluster }: TestFacade): void => {
  expect(cluster.calls.filter((call) => !call.startsWith('get '))).toEqual([]);
};

describe('every route of a sandbox', () => {
  it("answers the same 404 for another tenant's sandbox as for one that does not exist [A1.8]", async () => {
    const facade = await startAs(BOB);
    const routes = allRoutes(facade).filter(namesSandbox);
    expect(routes.length).toBeGreaterThanOrEqual(3);
    for (const route of routes) {
      const foreign = await ask(facade, route, FOREIGN);
      const absent = await ask(facade, route, ABSENT);
      const body = route.method === 'HEAD' ? '' : expect.stringContaining('Sandbox <id> not found');
      // What is open to everyone, such as the page of a terminal, is the same for any id.
      const answer = route.access.kind === 'open' ? {} : { status: 404, body };
      expect({ route: route.operationId, ...absent }).toMatchObject({ route: route.operationId, ...answer });
      expect({ route: route.operationId, ...foreign }).toEqual({ route: route.operationId, ...absent });
    }
    expectUntouched(facade);
  });

  it('tells a sandbox of no other, whether there is one or not', async () => {
    const facade = await startAs(BOBS_SANDBOX);
    for (const route of allRoutes(facade)) {
      if (route.access.kind === 'open') continue;
      const isSelf = route.access.self === true;
      const foreign = await ask(facade, route, FOREIGN);
      const absent = await ask(facade, route, ABSENT);
      expect({ route: route.operationId, status: foreign.status }).toEqual({
        route: route.operationId,
        status: isSelf && namesSandbox(route) ? 404 : 403,
      });
      expect({ route: route.operationId, ...foreign }).toEqual({ route: route.operationId, ...absent });
    }
    expectUntouched(facade);
  });

  it('answers a sandbox about itself, and does for it what it may do alone', async () => {
    const facade = await startAs(BOBS_SANDBOX);
    expect((await facade.request('/sandboxes/sbx-of-bob')).status).toBe(200);
    expect((await facade.request('/sandboxes/sbx-of-bob', { method: 'DELETE' })).status).toBe(403);
    expect((await facade.request('/sandboxes/sbx-of-bob/exec', { body: { command: 'true' } })).status).toBe(403);
    expect((await facade.request('/sandboxes')).status).toBe(403);
    // Its pod has been replaced: the token is of the old one.
    facade.cluster.setStatus('sbx-of-bob', ready('sbx-of-bob', { podUid: 'the-next-pod' }));
    expect((await facade.request('/sandboxes/sbx-of-bob')).status).toBe(404);
    expectUntouched(facade);
  });

  it('that takes over the connection answers the same 404 as well', async () => {
    const facade = await startAs(BOB);
    const { dependencies } = facade;
    const route = upgradeRoute({
      path: '/sandboxes/:id/terminal',
      operationId: 'terminal',
      tag: 'terminal',
      summary: 'A route of this test',
      access: { kind: 'scope', scope: 'exec' },
      responses: {},
      upgrade: async ({ params, state }) => void (await findSandbox(dependencies, params['id'] ?? '', state)),
    });
    const handle = makeUpgradeHandler(dependencies, [route]);
    const server = createServer().on('upgrade', handle).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as { readonly port: number }).port}`;
    const foreign = await ask({ ...facade, url }, route, FOREIGN);
    const absent = await ask({ ...facade, url }, route, ABSENT);
    expect(absent).toMatchObject({ status: 404, body: expect.stringContaining('Sandbox <id> not found') });
    expect(foreign).toEqual(absent);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('every route of a user', () => {
  it('answers the same 403 for a user that the key may not act for, whether there is one or not', async () => {
    const facade = await startAs(BOB);
    const routes = allRoutes(facade).filter(({ path }) => /:user(?=\W|$)/.test(path));
    expect(routes.length).toBeGreaterThanOrEqual(3);
    for (const route of routes) {
      const [foreign, absent] = [await ask(facade, route, 'ann'), await ask(facade, route, 'eve')];
      expect({ route: route.operationId, status: absent.status }).toEqual({ route: route.operationId, status: 403 });
      expect({ route: route.operationId, ...foreign }).toEqual({ route: route.operationId, ...absent });
    }
    expect(facade.cluster.calls).toEqual([]);
  });
});

describe('the routes of all sandboxes', () => {
  it("list a key's own tenants and nobody else, whatever is asked for", async () => {
    const facade = await startAs(BOB);
    const ids = async (path: string): Promise<unknown> => {
      const { body } = await facade.request(path);
      const { sandboxes, total } = body as { sandboxes: { sandbox_id: string }[]; total: number };
      return { total, ids: sandboxes.map(({ sandbox_id }) => sandbox_id) };
    };
    expect(await ids('/sandboxes')).toEqual({ total: 1, ids: ['sbx-of-bob'] });
    expect(await ids('/sandboxes?user_id=ann')).toEqual({ total: 0, ids: [] });
    expect(await ids('/sandboxes?user_id=nobody')).toEqual({ total: 0, ids: [] });
  });

  it('create no sandbox for a user that the key may not act for', async () => {
    const facade = await startAs(BOB);
    const { status, body } = await facade.request('/sandboxes', { body: { user_id: 'ann' } });
    expect([status, body]).toEqual([403, expect.objectContaining({ type: 'tag:matrx.dev,2026:not-allowed' })]);
    expectUntouched(facade);
  });

  it.each(SCOPES)('need the scope %s, or another, that the route names', async (scope) => {
    const facade = await startAs({ ...BOB, scopes: new Set([scope]) });
    for (const route of allRoutes(facade)) {
      if (route.access.kind === 'open' || route.access.scope === scope) continue;
      const { status, body } = await ask(facade, route, 'sbx-of-bob');
      const lacks = route.method === 'HEAD' ? '' : expect.stringContaining(`lacks the scope ${route.access.scope}`);
      expect({ route: route.operationId, status, body }).toEqual({
        route: route.operationId,
        status: 403,
        body: lacks,
      });
    }
    expectUntouched(facade);
  });
});
