import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Exchange, makeExchange } from './exchange.ts';

/** An HTTP server that plays the API server: the test takes each request by hand and answers it as it likes. */
export interface KubeServer {
  readonly url: string;
  readonly port: number;
  /** The next request nobody has taken. Rejects after five seconds, naming what was waited for. */
  readonly take: (method?: string, path?: string) => Promise<Exchange>;
  /** Every request so far, as `GET /api/v1/pods`. */
  readonly seen: () => readonly string[];
  /** Answers whatever nobody waits for; without it requests wait to be taken. */
  readonly answer: (handler: (exchange: Exchange) => void) => void;
  /** Sockets open now. */
  readonly connections: () => number;
  /** Connections accepted so far. */
  readonly accepted: () => number;
  readonly close: () => Promise<void>;
  readonly http: Server;
}

const TAKE_MS = 60_000;

export const startKubeServer = async (): Promise<KubeServer> => {
  const sockets = new Set<Socket>();
  const seen: string[] = [];
  const untaken: Exchange[] = [];
  let waiting: { readonly matches: (exchange: Exchange) => boolean; readonly resolve: (e: Exchange) => void }[] = [];
  let handler: ((exchange: Exchange) => void) | undefined;
  let accepted = 0;

  const dispatch = (exchange: Exchange): void => {
    const waiter = waiting.find(({ matches }) => matches(exchange));
    if (waiter !== undefined) {
      waiting = waiting.filter((other) => other !== waiter);
      waiter.resolve(exchange);
    } else if (handler === undefined) untaken.push(exchange);
    else handler(exchange);
  };

  const http = createServer((request, response) => {
    const receive = async (): Promise<void> => {
      const exchange = makeExchange(request, response, await readBody(request));
      seen.push(`${exchange.method} ${exchange.path}`);
      dispatch(exchange);
    };
    // A client that goes away in the middle of its request is no failure of the test's.
    receive().catch(() => undefined);
  });
  http.on('connection', (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    http,
    seen: () => seen,
    connections: () => sockets.size,
    accepted: () => accepted,
    answer: (next) => {
      handler = next;
      for (const exchange of untaken.splice(0)) next(exchange);
    },
    take: (method, path) => {
      const matches = (exchange: Exchange): boolean =>
        (method === undefined || exchange.method === method) && (path === undefined || exchange.path === path);
      const index = untaken.findIndex(matches);
      if (index !== -1) return Promise.resolve(untaken.splice(index, 1)[0] as Exchange);
      return new Promise<Exchange>((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`no ${method ?? 'request'} ${path ?? ''} within ${TAKE_MS} ms; seen: ${seen.join(', ')}`));
        }, TAKE_MS);
        const waiter = {
          matches,
          resolve: (exchange: Exchange): void => {
            clearTimeout(timer);
            resolve(exchange);
          },
        };
        waiting = [...waiting, waiter];
      });
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => http.close(() => resolve()));
    },
  };
};

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};
