import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface SeenRequest {
  /** Counted from 1 since the proxy was started or `reset`. */
  readonly index: number;
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
}

/** `before`: S3 has not seen the request. `after`: S3 has answered it, and nobody has heard the answer. */
export type FaultMoment = 'before' | 'after';

export interface FaultPoint {
  readonly index: number;
  readonly moment: FaultMoment;
}

export interface S3RequestProxy {
  readonly endpoint: string;
  /** Requests since the last `reset`. */
  readonly seen: () => readonly SeenRequest[];
  /**
   * Counts from 1 again. When the request `point.index` comes to `point.moment`, `strike` runs (it kills the client)
   * and the connection is dropped; requests that come after it are dropped too, unless the strike was meant for one
   * client of several.
   */
  readonly reset: (point?: FaultPoint, strike?: (request: SeenRequest) => Promise<void> | void) => void;
  readonly close: () => Promise<void>;
}

/** An HTTP proxy on 127.0.0.1 that passes requests on byte for byte, Host header included, so that signatures hold. */
export const startS3RequestProxy = async (endpoint: string): Promise<S3RequestProxy> => {
  const target = new URL(endpoint);
  if (target.protocol !== 'http:') throw new Error(`${endpoint}: the proxy can only read http:// requests`);
  const agent = new Agent({ keepAlive: true });
  let seen: SeenRequest[] = [];
  let point: FaultPoint | undefined;
  let strike: ((seenRequest: SeenRequest) => Promise<void> | void) | undefined;
  let struck = false;

  const isDue = (index: number, moment: FaultMoment): boolean =>
    !struck && point !== undefined && point.index === index && point.moment === moment;

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const drop = (): void => {
      incoming.socket.resetAndDestroy();
    };
    if (struck) {
      drop();
      return;
    }
    const current: SeenRequest = {
      index: seen.length + 1,
      method: incoming.method ?? '',
      target: incoming.url ?? '/',
    };
    seen.push(current);
    const strikeNow = async (): Promise<void> => {
      struck = true;
      await strike?.(current);
      drop();
    };
    if (isDue(current.index, 'before')) {
      await strikeNow();
      return;
    }
    const upstream = request({
      agent,
      host: target.hostname,
      port: target.port === '' ? 80 : target.port,
      method: current.method,
      path: current.target,
      headers: incoming.rawHeaders,
    });
    incoming.pipe(upstream);
    incoming.once('close', () => {
      if (!incoming.complete) upstream.destroy();
    });
    const [answer] = (await once(upstream, 'response')) as [IncomingMessage];
    const body = await buffer(answer);
    if (isDue(current.index, 'after')) {
      await strikeNow();
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    outgoing.end(body);
  };

  const server = createServer((incoming, outgoing) => {
    // A client that is killed in the middle of a request, or a server that is away: the connection just ends.
    handle(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: () => seen,
    reset: (nextPoint, nextStrike) => {
      seen = [];
      struck = false;
      point = nextPoint;
      strike = nextStrike;
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
};
