import { type ClientOptions, WebSocket } from 'ws';
import { API_KEY } from './facade.ts';

export type SocketData = Buffer | Readonly<Record<string, unknown>>;

/** A WebSocket client: what came, in order, and how it ended. */
export interface TestSocket {
  readonly socket: WebSocket;
  readonly send: (message: Buffer | object) => void;
  /** Resolves with the first message, past or to come, that `accepts`. Rejects when the connection ends before. */
  readonly until: (what: string, accepts: (received: readonly SocketData[]) => boolean) => Promise<void>;
  readonly received: () => readonly SocketData[];
  /** All bytes of binary messages so far. */
  readonly bytes: () => Buffer;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export const openSocket = (
  url: string,
  path: string,
  options: ClientOptions & { readonly protocols?: readonly string[] } = {},
): TestSocket => {
  const { protocols = [], ...more } = options;
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, [...protocols], {
    headers: { 'X-API-Key': API_KEY },
    ...more,
  });
  const received: SocketData[] = [];
  let watchers: (() => void)[] = [];
  const closed = new Promise<{ readonly code: number; readonly reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  socket.on('error', () => undefined);
  socket.on('message', (data: Buffer, binary) => {
    received.push(binary ? data : (JSON.parse(data.toString()) as SocketData));
    for (const watch of watchers) watch();
  });
  return {
    socket,
    send: (message) => socket.send(Buffer.isBuffer(message) ? message : JSON.stringify(message)),
    until: (what, accepts) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!accepts(received)) return;
          watchers = watchers.filter((watch) => watch !== look);
          resolve();
        };
        watchers.push(look);
        look();
        void closed.then(({ code, reason }) => reject(new Error(`closed (${code} ${reason}) before ${what}`)));
      }),
    received: () => received,
    bytes: () => Buffer.concat(received.filter((data) => Buffer.isBuffer(data))),
    closed,
  };
};

/** The status and body of the answer that came instead of the upgrade. */
export const refusalOf = (
  url: string,
  path: string,
  options: ClientOptions & { readonly protocols?: readonly string[] } = {},
): Promise<{ readonly status: number; readonly body: unknown }> => {
  const { protocols = [], ...more } = options;
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, [...protocols], {
    headers: { 'X-API-Key': API_KEY },
    ...more,
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('it was upgraded')));
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) });
      });
    });
  });
};
