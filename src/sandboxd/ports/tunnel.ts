import { connect, type Socket } from 'node:net';
import { joinStreams } from '../../base/join-streams.ts';
import { TUNNEL_PROTOCOL } from '../protocol/names.ts';
import { DaemonError } from '../protocol/problem.ts';
import type { Route } from '../route.ts';

const CONNECT_TIMEOUT_MS = 5000;
/** Where programs listen that listen for this machine alone; those that listen everywhere are found there as well. */
const HOSTS = ['127.0.0.1', '::1'] as const;

/** Not to the daemon's own port: a tunnel could be led through itself, again and again. */
export const tunnelRoute: Route = {
  method: 'UPGRADE',
  path: '/matrx/ports/:port',
  upgrade: async (request, socket, head) => {
    const port = parsePort(request.params['port'] ?? '');
    if (request.raw.headers.upgrade?.toLowerCase() !== TUNNEL_PROTOCOL) {
      throw new DaemonError('invalid_argument', `this takes Upgrade: ${TUNNEL_PROTOCOL}`);
    }
    if (port === request.raw.socket.localPort)
      throw new DaemonError('permission_denied', `port ${port} is sandboxd's own`);
    const target = await connectTo(port, request.signal);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${TUNNEL_PROTOCOL}\r\n\r\n`);
    if (head.length > 0) target.write(head);
    joinStreams(socket, target);
    request.signal.addEventListener(
      'abort',
      () => {
        // The client's end is passed on in order; this is the end of the daemon.
        if (socket.destroyed) return;
        socket.destroy();
        target.destroy();
      },
      { once: true },
    );
  },
};

const parsePort = (text: string): number => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new DaemonError('invalid_argument', `${JSON.stringify(text)} is no port`);
};

const connectTo = async (port: number, signal: AbortSignal): Promise<Socket> => {
  let failure: unknown;
  for (const host of HOSTS) {
    try {
      return await open(host, port, signal);
    } catch (error) {
      signal.throwIfAborted();
      failure ??= error;
    }
  }
  throw new DaemonError('unavailable', `nothing listens on port ${port} in the sandbox`, failure, 'port_closed');
};

const open = (host: string, port: number, signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const fail = (error: unknown): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(signal.reason);
    const timer = setTimeout(() => fail(new Error('no connection in time')), CONNECT_TIMEOUT_MS);
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', fail);
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
  });
