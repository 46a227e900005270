import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type Koa from 'koa';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { HealthCheck } from '../runtime/health.ts';
import type { Part } from '../runtime/manager.ts';
import type { Log } from '../telemetry/log.ts';
import { type ParseError, refuseUnread } from './refuse-unread.ts';
import type { RequestState } from './request-state.ts';
import type { UpgradeHandler } from './upgrades.ts';

export interface RestOptions {
  readonly app: Koa<RequestState>;
  readonly upgrade: UpgradeHandler;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Milliseconds that requests under way get to end by themselves when the server stops. */
  readonly drainMs: number;
  /** Ends the requests that are left then: makeApp's `shutdown` signal hears of it. */
  readonly shutdown: AbortController;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface RestPart extends Part {
  /** Where it listens, once started. */
  readonly address: () => AddressInfo;
  readonly check: HealthCheck;
}

/** Milliseconds that answers get to leave once their requests have been ended. */
const LAST_WORDS_MS = 2000;
/**
 * Longer than the idle time of load balancers, so that none sends into a connection being closed. Theirs has to be longer
 * than a command may be silent before it is answered (600 s): terraform/domain.tf.
 */
export const KEEP_ALIVE_MS = 700_000;

/**
 * The REST server as a part of a process. It stops by taking no new connection, waiting for what is under way, and then
 * ending the waits: they answer 503, and what they waited for goes on.
 */
export const restPart = ({
  app,
  upgrade,
  host,
  port,
  drainMs,
  shutdown,
  clock,
  random,
  log,
}: RestOptions): RestPart => {
  const handle = app.callback();
  const underWay = new Set<ServerResponse>();
  let stopping = false;
  /** Node closes the connections that are idle when a server closes, and not those that become idle later. */
  const closeAfter = (response: ServerResponse): void => {
    if (!response.headersSent) {
      response.setHeader('Connection', 'close');
      return;
    }
    // A stream that has begun without saying so. The response forgets its connection when it is finished.
    const { socket } = response;
    response.once('finish', () => socket?.end());
  };
  // No limit on how long a request may take to come: an upload is as slow as its client's line.
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, (request, response) => {
    underWay.add(response);
    response.once('close', () => underWay.delete(response));
    if (stopping) closeAfter(response);
    // One that was answered while its body still came, a refused upload, becomes idle only now.
    request.once('close', () => {
      if (stopping && !underWay.has(response)) request.socket.end();
    });
    // Koa answers every error itself; this promise only says when it has.
    void handle(request, response);
  });
  server.on('clientError', (error: ParseError, socket) => {
    const answerHasBegun = [...underWay].some((response) => response.socket === socket && response.headersSent);
    refuseUnread(error, socket, answerHasBegun, random);
  });
  // Node takes one that has never sent anything for busy; clients open such ones in advance.
  const connections = new Set<Socket>();
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  // A server forgets the connections it has handed over; here they are ended with it.
  const upgraded = new Set<Duplex>();
  server.on('upgrade', (request, socket, head) => {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    upgrade(request, socket, head);
  });
  return {
    name: 'REST server',
    address: () => server.address() as AddressInfo,
    check: {
      name: 'REST server',
      check: () => ({ ok: server.listening, message: server.listening ? 'listens' : 'does not listen' }),
    },
    start: async () => {
      await listen(server, host, port);
      log.info(server.address() as AddressInfo, 'REST server listens');
    },
    stop: async () => {
      if (!server.listening) return;
      stopping = true;
      for (const response of underWay) closeAfter(response);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
      if (!(await endsWithin(clock, closed, drainMs))) {
        shutdown.abort();
        if (!(await endsWithin(clock, closed, LAST_WORDS_MS))) server.closeAllConnections();
      }
      shutdown.abort();
      for (const socket of upgraded) socket.destroy();
      await closed;
    },
  };
};

const listen = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });

const endsWithin = async (clock: Clock, work: Promise<void>, ms: number): Promise<boolean> => {
  const over = new AbortController();
  const timer = clock.sleep(ms, over.signal).then(
    () => false,
    () => false,
  );
  try {
    return await Promise.race([work.then(() => true), timer]);
  } finally {
    over.abort();
  }
};
