import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { CopiedNames } from './copied-names.ts';
import { leaveToPlayedNode } from './copied-names.ts';
import type { Upstream } from './upstream.ts';
import { carryWatch, makeWatchStream, type OnLine, passOn, type WatchStream } from './watch-stream.ts';

/** One request, as the client made it. */
export interface SeenRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body: string;
  readonly isWrite: boolean;
  readonly isWatch: boolean;
  /** `performance.now()` of its coming. */
  readonly at: number;
}

/**
 * What goes wrong with a request:
 *
 * - cut: the connection is reset, before the API server has seen the request or after it has done what was asked; `done`
 *   hears of it.
 * - silent: it is accepted, and nothing follows.
 * - answer: another answer than the server's; with `applied` the server has done what was asked all the same.
 * - as: the request reaches the server as another path.
 * - lines: of a watch, what becomes of each line.
 */
export type Fault =
  | { readonly kind: 'cut'; readonly applied: boolean; readonly done?: () => void }
  | { readonly kind: 'silent' }
  | {
      readonly kind: 'answer';
      readonly code: number;
      readonly body: string | object;
      readonly applied?: boolean;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'as'; readonly path: string }
  | { readonly kind: 'lines'; readonly onLine: OnLine };

export type FaultPlan = (request: SeenRequest) => Fault | undefined;

export interface ApiServerProxy {
  /** Plain http on loopback. */
  readonly url: string;
  /** Every request so far. */
  readonly seen: readonly SeenRequest[];
  /** Writes that the server has taken, in their order. */
  readonly written: readonly SeenRequest[];
  /** Writes whose client did not wait for the answer. */
  readonly unheard: () => readonly SeenRequest[];
  /** Watches that are open now. */
  readonly watches: () => readonly WatchStream[];
  /** Connections that are open now. */
  readonly connections: () => number;
  /** Begins to count how many requests are under way at once, watches apart; what it answers tells the most so far. */
  readonly startCounting: () => () => number;
  /** Asked of each request from now on; `undefined` lets it through. Takes the place of the plan before. */
  readonly plan: (plan: FaultPlan) => void;
  /** Lets everything through again. */
  readonly heal: () => void;
  /** Resets every connection. */
  readonly cutAll: () => void;
  readonly close: () => Promise<void>;
}

export interface ProxyOptions {
  readonly upstream: Upstream;
  readonly names: CopiedNames;
  /** Added to a request to the server: to be somebody else there. */
  readonly headersOf?: (request: SeenRequest) => Readonly<Record<string, string>>;
}

const PASS: FaultPlan = () => undefined;

/** A proxy in front of the real API server, which lets everything through until it is given a plan. */
export const startApiServerProxy = async ({ upstream, names, headersOf }: ProxyOptions): Promise<ApiServerProxy> => {
  const seen: SeenRequest[] = [];
  const written: SeenRequest[] = [];
  const unheard: SeenRequest[] = [];
  const watches = new Set<WatchStream>();
  let plan = PASS;
  let atOnce = 0;
  let mostAtOnce = 0;
  let connections = 0;

  const forward = async (seenRequest: SeenRequest, incoming: IncomingMessage, path: string, signal: AbortSignal) => {
    const { method, body } = seenRequest;
    const isPod = method === 'POST' && /^\/api\/v1\/namespaces\/[^/]+\/pods(\?|$)/.test(path);
    const answer = await upstream.send({
      method,
      path: names.pathToServer(path),
      body: names.bodyToServer(isPod ? leaveToPlayedNode(body) : body),
      headers: { ...pickHeaders(incoming), ...headersOf?.(seenRequest) },
      signal,
    });
    if (seenRequest.isWrite && (answer.statusCode ?? 500) < 300) written.push(seenRequest);
    return answer;
  };

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse, signal: AbortSignal): Promise<void> => {
    const request = describe(incoming, await text(incoming));
    seen.push(request);
    outgoing.once('close', () => {
      if (request.isWrite && !outgoing.writableFinished) unheard.push(request);
    });
    const fault = plan(request);
    if (fault?.kind === 'silent') return;
    if (fault?.kind === 'cut' && !fault.applied) {
      incoming.socket.resetAndDestroy();
      fault.done?.();
      return;
    }
    if (fault?.kind === 'answer' && fault.applied !== true) {
      reply(outgoing, fault.code, fault.body, fault.headers);
      return;
    }
    const answer = await forward(request, incoming, fault?.kind === 'as' ? fault.path : request.path, signal);
    if (request.isWatch && answer.statusCode === 200) {
      const stream = makeWatchStream(request.path, outgoing);
      watches.add(stream);
      outgoing.once('close', () => watches.delete(stream));
      await carryWatch(answer, outgoing, stream, fault?.kind === 'lines' ? fault.onLine : passOn, names.toClient);
      return;
    }
    const body = await text(answer);
    if (fault?.kind === 'cut') {
      incoming.socket.resetAndDestroy();
      fault.done?.();
    } else if (fault?.kind === 'answer') reply(outgoing, fault.code, fault.body, fault.headers);
    else reply(outgoing, answer.statusCode ?? 502, names.toClient(body), retryAfter(answer));
  };

  const server = createServer((incoming, outgoing) => {
    const gone = new AbortController();
    const isWatch = incoming.url?.includes('watch=true') === true;
    if (!isWatch) mostAtOnce = Math.max(mostAtOnce, (atOnce += 1));
    outgoing.once('close', () => {
      if (!isWatch) atOnce -= 1;
      // Only a watch ends with its client: what a client has asked for and does not wait for is done all the same.
      if (isWatch) gone.abort();
    });
    handle(incoming, outgoing, gone.signal).catch(() => incoming.socket.destroy());
  });
  server.on('connection', (socket) => {
    connections += 1;
    socket.once('close', () => (connections -= 1));
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    written,
    unheard: () => unheard,
    watches: () => [...watches],
    connections: () => connections,
    startCounting: () => {
      mostAtOnce = atOnce;
      return () => mostAtOnce;
    },
    plan: (next) => {
      plan = next;
    },
    heal: () => {
      plan = PASS;
    },
    cutAll: () => server.closeAllConnections(),
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

const describe = (incoming: IncomingMessage, body: string): SeenRequest => {
  const { method = 'GET', url = '/' } = incoming;
  return {
    method,
    path: url,
    body,
    isWrite: method !== 'GET' && !url.includes('dryRun=All'),
    isWatch: url.includes('watch=true'),
    at: performance.now(),
  };
};

const PASSED_ON = ['accept', 'content-type', 'user-agent'] as const;

const pickHeaders = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(PASSED_ON.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));

const retryAfter = ({ headers }: IncomingMessage): Record<string, string> =>
  headers['retry-after'] === undefined ? {} : { 'retry-after': headers['retry-after'] };

const reply = (
  outgoing: ServerResponse,
  code: number,
  body: string | object,
  headers: Readonly<Record<string, string>> = {},
): void => {
  outgoing.writeHead(code, { 'content-type': 'application/json', ...headers });
  outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
};

/** A refusal as the API server words it. */
export const status = (code: number, reason: string, message = `injected: ${reason}`): object => ({
  apiVersion: 'v1',
  kind: 'Status',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  code,
});
