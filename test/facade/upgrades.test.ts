import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from '@jest/globals';
import { type Caller, SCOPES } from '../../src/facade/caller.ts';
import { problemError } from '../../src/facade/problem.ts';
import { upgradeRoute } from '../../src/facade/route.ts';
import { makeUpgradeHandler } from '../../src/facade/upgrades.ts';
import { startFacade } from './support/facade.ts';

it('a path that is no URL used to end the whole process when it asked for an upgrade', async () => {
  const facade = await startFacade();
  for (const path of ['//[', '//a:b:c', '/%']) {
    const socket = connect(Number(new URL(facade.url).port), '127.0.0.1');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 404 /);
  }
  expect((await facade.request('/health')).status).toBe(200);
});

it('a request under way ends with 403 when its key is revoked, and what it began goes on', async () => {
  const revoked = new AbortController();
  const caller: Caller = {
    kind: 'key',
    id: 'k',
    users: undefined,
    scopes: new Set(SCOPES),
    ended: revoked.signal,
  };
  const facade = await startFacade({}, undefined, { authenticator: () => Promise.resolve(caller) });
  const created = facade.cluster.nextCreated();
  const answer = facade.request('/sandboxes', { body: { user_id: 'ann' } });
  const { name } = (await created).metadata;
  await facade.clock.waitForSleepers(1);
  revoked.abort(problemError('invalid-api-key', 'This API key was revoked, or may do less than before.'));
  expect(await answer).toMatchObject({ status: 403, body: { type: 'tag:matrx.dev,2026:invalid-api-key' } });
  expect(facade.cluster.get(name)?.spec.desiredState).toBe('Running');
});

it('an upgrade needs a key with the scope like any other request, and is counted as one', async () => {
  const callers: Readonly<Record<string, Caller>> = {
    reader: { kind: 'key', id: 'r', users: undefined, scopes: new Set(['sandboxes:read']) },
    limited: {
      kind: 'key',
      id: 'l',
      users: undefined,
      scopes: new Set(SCOPES),
      limits: { rate: { perSecond: 1, burst: 1 } },
    },
  };
  const facade = await startFacade({}, undefined, { authenticator: ({ secret }) => Promise.resolve(callers[secret]) });
  const terminal = upgradeRoute({
    path: '/sandboxes/:id/terminal',
    operationId: 'terminal',
    tag: 'terminal',
    summary: 'A route of this test',
    access: { kind: 'scope', scope: 'exec' },
    responses: {},
    upgrade: ({ socket }) => void socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'),
  });
  const server = createServer().on('upgrade', makeUpgradeHandler(facade.dependencies, [terminal]));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ask = (headers: Readonly<Record<string, string>>): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(
      `GET /sandboxes/demo/terminal HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${lines.join('')}\r\n`,
    );
    return text(socket);
  };
  expect(await ask({})).toMatch(/^HTTP\/1\.1 401 [^]*WWW-Authenticate: Bearer/);
  expect(await ask({ 'X-API-Key': 'wrong' })).toMatch(/^HTTP\/1\.1 403 [^]*Invalid API key\./);
  expect(await ask({ 'X-API-Key': 'reader' })).toMatch(/^HTTP\/1\.1 403 [^]*lacks the scope exec/);
  expect(await ask({ Authorization: 'Bearer limited' })).toMatch(/^HTTP\/1\.1 204 /);
  expect(await ask({ 'X-API-Key': 'limited' })).toMatch(/^HTTP\/1\.1 429 [^]*Retry-After: 1/);
  await new Promise((resolve) => server.close(resolve));
});
