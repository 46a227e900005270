import { createHash } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { Agent, DecoratorHandler, type Dispatcher } from 'undici';
import type { Clock } from '../base/clock.ts';
import type { ClusterAccess, ClusterCredentials, ClusterTls } from './cluster-access.ts';

/** Calls share a few connections; each watch holds one of its own for minutes, so they must not compete. */
export type Pool = 'calls' | 'watches';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query, below the server's URL. */
  readonly path: string;
  readonly pool: Pool;
  readonly contentType?: string;
  /** JSON unless given. */
  readonly accept?: string;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export type HttpAnswer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>;

export interface Transport {
  readonly host: string;
  /** Resolves when the headers are there; the caller reads or destroys the body. */
  readonly send: (request: HttpRequest) => Promise<HttpAnswer>;
  /** What a connection outside of the pools (exec) needs. */
  readonly credentials: () => Promise<ClusterCredentials>;
  /** Ends every connection at once. */
  readonly close: () => Promise<void>;
}

export interface TransportOptions {
  readonly access: ClusterAccess;
  readonly clock: Clock;
  readonly userAgent: string;
  readonly callConnections: number;
  /** Asked about each request that writes right before its first byte goes out: what waits for a connection has not yet. */
  readonly mayWrite?: (() => boolean) | undefined;
}

/** client-node reads its files at each question; once in ten seconds is often enough for what rotates in hours. */
const CREDENTIALS_TTL_MS = 10_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Below the API server's own idle limit of 90 s, so that it is we who close an idle connection. */
const KEEP_ALIVE_MS = 60_000;

/**
 * HTTP to one API server on undici agents of our own. Both are replaced when the CA or the client certificate on disk
 * changes (client-node's own dispatcher would keep the old one for ever); requests under way end on the old ones.
 * HTTP/1.1 only: one dead HTTP/2 connection would stall all calls at once.
 */
export const makeTransport = (options: TransportOptions): Transport => {
  const { access, clock, userAgent, callConnections, mayWrite = () => true } = options;
  let cached: { readonly value: Promise<ClusterCredentials>; readonly readAt: number } | undefined;
  let agents: Agents | undefined;
  let closed = false;
  const retired = new Set<Dispatcher>();

  const guard: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (request, handler) =>
    dispatch(request, request.method === 'GET' ? handler : refuseAtStart(handler, mayWrite));

  const credentials = (): Promise<ClusterCredentials> => {
    if (cached === undefined || clock.monotonic() - cached.readAt > CREDENTIALS_TTL_MS) {
      const value = access.credentials();
      cached = { value, readAt: clock.monotonic() };
      value.catch(() => (cached = undefined));
    }
    return cached.value;
  };

  const retire = (agent: Dispatcher): void => {
    retired.add(agent);
    void agent.close().then(
      () => retired.delete(agent),
      () => retired.delete(agent),
    );
  };

  const agentsFor = (tls: ClusterTls): Agents => {
    // Of the same ten seconds: nothing to compare.
    if (agents?.tls === tls) return agents;
    const key = fingerprint(tls);
    if (agents?.key === key) return (agents = { ...agents, tls });
    if (agents !== undefined) [agents.calls, agents.watches].forEach(retire);
    return (agents = { tls, key, calls: makeAgent(tls, callConnections).compose(guard), watches: makeAgent(tls) });
  };

  return {
    host: new URL(access.server).host,
    credentials,
    send: async (request) => {
      const { headers, tls } = await credentials();
      request.signal.throwIfAborted();
      if (closed) throw new Error('the Kubernetes client is closed');
      const url = new URL(access.server + request.path);
      const answer = await agentsFor(tls)[request.pool].request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method,
        headers: {
          ...headers,
          accept: request.accept ?? 'application/json',
          'user-agent': userAgent,
          ...(request.contentType !== undefined && { 'content-type': request.contentType }),
        },
        body: request.body ?? null,
        // undici ends a connection after a DELETE with a body, as if its server might not have read that.
        reset: false,
        signal: request.signal,
      });
      // A rotated token: the next call reads it again instead of failing until the cache runs out.
      if (answer.statusCode === 401) cached = undefined;
      return answer;
    },
    close: async () => {
      closed = true;
      const all = [...retired, ...(agents === undefined ? [] : [agents.calls, agents.watches])];
      agents = undefined;
      await Promise.all(all.map((agent) => agent.destroy()));
    },
  };
};

interface Agents {
  readonly tls: ClusterTls;
  /** Of `tls`: what is read again is another object, and seldom another key. */
  readonly key: string;
  readonly calls: Dispatcher;
  readonly watches: Dispatcher;
}

/** A request starts when undici has a connection for it, and nothing of it has been written yet. */
const refuseAtStart = (handler: Dispatcher.DispatchHandler, mayWrite: () => boolean): Dispatcher.DispatchHandler =>
  Object.assign(new DecoratorHandler(handler), {
    onRequestStart: (controller: Dispatcher.DispatchController, context: object) => {
      if (mayWrite()) handler.onRequestStart?.(controller, context);
      else controller.abort(new Error('this process may write no more: it does not lead'));
    },
  });

/** Deadlines are the caller's, by its clock; undici's own are off but for connecting. */
const makeAgent = ({ servername, rejectUnauthorized, ...tls }: ClusterTls, connections?: number): Agent =>
  new Agent({
    connect: {
      servername,
      rejectUnauthorized,
      // Made once: reading the certificates takes a good part of what a connection costs.
      secureContext: createSecureContext(tls),
      timeout: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    },
    connections: connections ?? null,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
  });

const fingerprint = (tls: ClusterTls): string => {
  const hash = createHash('sha256');
  for (const part of [tls.ca, tls.cert, tls.key, tls.servername, String(tls.rejectUnauthorized)]) {
    hash.update(part ?? '').update('\0');
  }
  return hash.digest('hex');
};
