import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { startTcpFaultProxy, type TcpFaultProxy } from './tcp-fault-proxy.ts';

let upstream: Server;
let proxy: TcpFaultProxy;
const open: Socket[] = [];

beforeEach(async () => {
  upstream = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => socket.write(`echo ${data.toString()}`));
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  proxy = await startTcpFaultProxy({ host: '127.0.0.1', port: (upstream.address() as AddressInfo).port });
});

afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await proxy.close();
  const closed = once(upstream, 'close');
  upstream.close();
  await closed;
});

const dial = async (): Promise<Socket> => {
  const socket = connect(proxy.port, '127.0.0.1');
  open.push(socket);
  await once(socket, 'connect');
  return socket;
};

const ask = async (socket: Socket): Promise<string> => {
  socket.write('hello');
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString();
};

const errorCode = (socket: Socket): Promise<string | undefined> =>
  new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code);
    });
  });

test('pass forwards both ways', async () => {
  expect(await ask(await dial())).toBe('echo hello');
});

test('refuse leaves nobody listening and cuts what is open; the same port answers again after it', async () => {
  const before = await dial();
  expect(await ask(before)).toBe('echo hello');
  const cut = errorCode(before);
  await proxy.setMode('refuse');
  expect(await cut).toBe('ECONNRESET');

  const refused = connect(proxy.port, '127.0.0.1');
  open.push(refused);
  expect(await errorCode(refused)).toBe('ECONNREFUSED');

  await proxy.setMode('pass');
  expect(await ask(await dial())).toBe('echo hello');
});

test('reset accepts and cuts', async () => {
  await proxy.setMode('reset');
  const socket = connect(proxy.port, '127.0.0.1');
  open.push(socket);
  expect(await errorCode(socket)).toBe('ECONNRESET');
});

test('hang accepts, never answers, and lets go when the mode changes', async () => {
  await proxy.setMode('hang');
  const socket = await dial();
  socket.write('hello');
  const ended = errorCode(socket);
  await proxy.setMode('pass');
  expect(await ended).toBe('ECONNRESET');
  expect(socket.bytesRead).toBe(0);
});
