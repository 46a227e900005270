import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface SeenRequest {
  /** Counted from 1 since the proxy was started, armed or healed. */
  readonly index: number;
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
}

/** `before`: S3 has not seen the request. `after`: S3 has answered it, and nobody has heard the answer. */
export type FaultMoment = 'before' | 'after';

/** Says for each request whether, and at which moment, its client is struck. */
export type FaultPlan = (request: SeenRequest) => FaultMoment | undefined;

export interface S3RequestProxy {
  readonly endpoint: string;
  /** Requests since the last `arm` or `heal`. */
  readonly seen: () => readonly SeenRequest[];
  /**
   * Counts from 1 again. At the first request that the plan names, `strike` runs (it kills the client); that request
   * and all after it are dropped until `heal`. Resolves with the request once the strike is done.
   */
  readonly arm: (plan: FaultPlan, strike: () => Promise<void> | void) => Promise<SeenRequest>;
  /** Passes everything on, and counts from 1 again. */
  readonly heal: () => void;
  readonly close: () => Promise<void>;
}

/** The plan for "at its i-th request". */
export const atRequest =
  (index: number, moment: FaultMoment): FaultPlan =>
  (seenRequest) =>
    seenRequest.index === index ? moment : undefined;

/** An HTTP proxy on 127.0.0.1 that passes requests on byte for byte, Host header included, so that signatures hold. */
export const startS3RequestProxy = async (endpoint: string): Promise<S3RequestProxy> => {
  const target = new URL(endpoint);
  if (target.protocol !== 'http:') throw new Error(`${endpoint}: the proxy can only read http:// requests`);
  const agent = new Agent({ keepAlive: true });
  let seen: SeenRequest[] = [];
  let armed: Armed | undefined;
  let struck = false;

  const heal = (): void => {
    seen = [];
    struck = false;
    armed = undefined;
  };

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
    const fault = armed?.plan(current);
    const strike = async ({ act, done }: Armed): Promise<void> => {
      struck = true;
      await act();
      drop();
      done(current);
    };
    if (armed !== undefined && fault === 'before') {
      await strike(armed);
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
    if (struck) {
      drop();
      return;
    }
    if (armed !== undefined && fault === 'after') {
      await strike(armed);
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
    arm: (plan, act) => {
      heal();
      return new Promise((resolve) => {
        armed = { plan, act, done: resolve };
      });
    },
    heal,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
};

interface Armed {
  readonly plan: FaultPlan;
  readonly act: () => Promise<void> | void;
  readonly done: (request: SeenRequest) => void;
}
