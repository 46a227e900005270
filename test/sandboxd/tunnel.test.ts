import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { type Duplex, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { startDaemon, type TestDaemon } from './support/daemon.ts';

let daemon: TestDaemon;
const open: { readonly server: Server; readonly sockets: Set<Socket> }[] = [];

beforeEach(async () => {
  daemon = await startDaemon();
});
afterEach(async () => {
  for (const { server, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

const listen = async (onConnection: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> => {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    onConnection(socket);
  });
  open.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
};

const tunnel = (port: number | string, headers: Record<string, string> = {}): Promise<Duplex | number> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(`${daemon.url}/matrx/ports/${port}`, {
      headers: { authorization: `Bearer ${daemon.token}`, connection: 'Upgrade', upgrade: 'matrx-tunnel', ...headers },
    });
    request.once('upgrade', (_answer, socket, head) => {
      socket.on('error', () => undefined);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.once('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    request.once('error', reject);
    request.end();
  });
const connected = async (port: number): Promise<Duplex> => (await tunnel(port)) as Duplex;

describe('a tunnel', () => {
  test('carries bytes both ways, and each end by itself', async () => {
    const port = await listen((socket) => {
      // Answers only when it has heard all.
      void text(socket).then((heard) => socket.end(`heard ${heard}`));
    });
    const socket = await connected(port);
    socket.write('one ');
    (socket as Socket).end('two');
    expect(await text(socket)).toBe('heard one two');
  });

  test('passes on the end of the port first, and what the client still has to say', async () => {
    const heard = Promise.withResolvers<string>();
    const port = await listen((socket) => {
      socket.end('goodbye');
      void text(socket).then(heard.resolve);
    });
    const socket = await connected(port);
    (socket as Socket).allowHalfOpen = true;
    expect(await text(socket)).toBe('goodbye');
    socket.end('one more thing '.repeat(100_000));
    expect(await heard.promise).toHaveLength(1_500_000);
  });

  test('finds who listens at ::1 alone', async () => {
    const port = await listen((socket) => socket.end('six'), '::1');
    expect(await text(await connected(port))).toBe('six');
  });

  test('carries HTTP', async () => {
    const server = createHttpServer((request, response) => response.end(`${request.method} ${request.url}`));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = await connected((server.address() as AddressInfo).port);
    socket.write('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(await text(socket)).toMatch(/GET \/x$/);
    await new Promise((resolve) => server.close(resolve));
  });

  test('is not faster than who reads it', async () => {
    let written = 0;
    let waits = false;
    const port = await listen((socket) => {
      const more = (): void => {
        while (written < 200_000_000) {
          written += 65_536;
          if (!socket.write(Buffer.alloc(65_536))) {
            waits = true;
            socket.once('drain', () => {
              waits = false;
              more();
            });
            return;
          }
        }
      };
      more();
    });
    const socket = await connected(port);
    await new Promise((resolve) => socket.once('readable', resolve));
    // Nobody reads: the kernel's buffers fill, and then the sender waits.
    await eventually(() => waits);
    let before = -1;
    await eventually(() => {
      const isStill = before === written && waits;
      before = written;
      return isStill;
    });
    expect(written).toBeLessThan(50_000_000);
    socket.destroy();
  });

  test('ends at the port when the client is gone, and at the client when the port is', async () => {
    const sockets: Socket[] = [];
    const port = await listen((socket) => sockets.push(socket.resume()));
    const first = await connected(port);
    await eventually(() => sockets.length === 1);
    first.destroy();
    await eventually(() => sockets[0]?.readableEnded === true || sockets[0]?.destroyed === true);
    const second = await connected(port);
    await eventually(() => sockets.length === 2);
    second.resume();
    sockets[1]?.resetAndDestroy();
    await eventually(() => second.destroyed);
  });

  test('carries much, unchanged', async () => {
    const port = await listen((socket) => socket.pipe(socket));
    const socket = await connected(port);
    const sent = Buffer.alloc(8_000_000, 'matrx sandbox');
    Readable.from([sent]).pipe(socket);
    expect((await buffer(socket)).equals(sent)).toBe(true);
  });

  test.each([
    ['a port where nobody listens', () => 1, 503],
    ['its own', () => daemon.port, 403],
    ['what is no port', () => 'x', 400],
    ['port 0', () => 0, 400],
    ['a port beyond all', () => 65_536, 400],
  ])('to %s is refused', async (_what, port, status) => {
    expect(await tunnel(port())).toBe(status);
  });

  test('is refused without a token, and for another protocol', async () => {
    const port = await listen((socket) => socket.end());
    expect(await tunnel(port, { authorization: '' })).toBe(401);
    expect(await tunnel(port, { upgrade: 'websocket' })).toBe(400);
  });
});
