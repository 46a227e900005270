import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { makeTickets } from '../../src/facade/ticket.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';
import { startDaemonFacade } from './support/daemon-facade.ts';
import { FACADE_KEY, type TestFacade } from './support/facade.ts';
import { openSocket, type TestSocket } from './support/socket.ts';

const DOMAIN = 'preview.example.com';
const SECONDS = 60;

let facade: TestFacade;
let clock: VirtualClock;
let server: Server;
let sockets: WebSocketServer;
let port: number;

/** In the sandbox: an answer that never ends, and a WebSocket that says hello. */
beforeEach(async () => {
  clock = makeVirtualClock(Date.now());
  const tickets = makeTickets({ privateKey: FACADE_KEY, clock });
  ({ facade } = await startDaemonFacade({ previewDomain: DOMAIN }, { clock, tickets }));
  server = createServer((request, response) => {
    if (request.url === '/endless') response.write('begun');
    else response.end('all of it');
  });
  sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.send('{"type":"hello"}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterEach(async () => {
  for (const socket of sockets.clients) socket.terminate();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  // Nothing waits for a ticket whose request is over.
  expect(clock.sleepers()).toBe(0);
});

const issue = async (asked: object): Promise<string> => {
  const { body } = await facade.request('/sandboxes/demo/tickets', { body: { ...asked, seconds: SECONDS } });
  return (body as { ticket: string }).ticket;
};
const isOpen = ({ socket }: TestSocket): boolean => socket.readyState === socket.OPEN;
const greeted = (socket: TestSocket): Promise<void> => socket.until('hello', (received) => received.length > 0);

interface Broken {
  readonly begun: Promise<string>;
  readonly broke: Promise<string>;
}
/** An answer that begins; how it ends. */
const openAnswer = (path: string, headers: Readonly<Record<string, string>> = {}): Broken => {
  const begun = Promise.withResolvers<string>();
  const broke = Promise.withResolvers<string>();
  httpRequest(`${facade.url}${path}`, { headers }, (answer) => {
    answer.on('data', (chunk: Buffer) => begun.resolve(chunk.toString()));
    answer.once('error', () => broke.resolve('broke off'));
    answer.once('end', () => broke.resolve('ended'));
  })
    .on('error', begun.reject)
    .end();
  return { begun: begun.promise, broke: broke.promise };
};

describe('what a ticket opened outlived the ticket; now it ends with it:', () => {
  it('a terminal, which says why', async () => {
    const ticket = await issue({ scope: 'terminal' });
    const terminal = openSocket(facade.url, `/sandboxes/demo/terminal?ticket=${ticket}`, { headers: {} });
    await terminal.until('start', (received) => received.length > 0);
    await clock.advance((SECONDS - 2) * 1000);
    expect(isOpen(terminal)).toBe(true);
    await clock.advance(2000);
    expect(await terminal.closed).toEqual({ code: 4403, reason: 'The ticket has expired.' });
    expect(terminal.received().at(-1)).toMatchObject({ type: 'problem', problem: 'tag:matrx.dev,2026:invalid-ticket' });
  });

  it('a WebSocket to a port', async () => {
    const ticket = await issue({ scope: 'port', port });
    const socket = openSocket(facade.url, `/sandboxes/demo/ports/${port}/?ticket=${ticket}`, { headers: {} });
    await greeted(socket);
    await clock.advance((SECONDS - 2) * 1000);
    expect(isOpen(socket)).toBe(true);
    await clock.advance(2000);
    expect(await socket.closed).toMatchObject({ code: 1006 });
  });

  it('a WebSocket of a preview, which its cookie opened', async () => {
    const host = `${port}-demo.${DOMAIN}`;
    const cookie = `__Host-matrx-preview=${await issue({ scope: 'port', port })}`;
    const socket = openSocket(facade.url, '/', { headers: { host, cookie } });
    await greeted(socket);
    await clock.advance(SECONDS * 1000);
    expect(await socket.closed).toMatchObject({ code: 1006 });
  });

  it('an answer that goes on, by the path and by the cookie', async () => {
    const ticket = await issue({ scope: 'port', port });
    const headers = { host: `${port}-demo.${DOMAIN}`, cookie: `__Host-matrx-preview=${ticket}` };
    const answers = [
      openAnswer(`/sandboxes/demo/ports/${port}/endless?ticket=${ticket}`),
      openAnswer('/endless', headers),
    ];
    for (const { begun } of answers) expect(await begun).toBe('begun');
    await clock.advance(SECONDS * 1000);
    for (const { broke } of answers) expect(await broke).toBe('broke off');
  });
});

it('a request that is answered in time leaves nothing that waits for its ticket', async () => {
  const ticket = await issue({ scope: 'port', port });
  const { broke } = openAnswer(`/sandboxes/demo/ports/${port}/?ticket=${ticket}`);
  expect(await broke).toBe('ended');
  expect((await facade.request('/sandboxes')).status).toBe(200);
  expect(clock.sleepers()).toBe(0);
});
