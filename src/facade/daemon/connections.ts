import type { KeyObject } from 'node:crypto';
import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import type { Clock } from '../../base/clock.ts';
import { signAccessToken } from '../../sandboxd/protocol/access-token.ts';
import { SANDBOXD_PORT, TUNNEL_PROTOCOL } from '../../sandboxd/protocol/names.ts';
import { DaemonError, type DaemonProblem } from '../../sandboxd/protocol/problem.ts';
import { feed } from './feed.ts';

/** The daemon of one pod. */
export interface DaemonTarget {
  readonly podIP: string;
  readonly podUid: string;
}

export interface DaemonRequestOptions {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** With the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes are sent as they are, a stream as it comes; a value as JSON. */
  readonly body?: { readonly stream: Readable } | { readonly json: unknown };
  readonly signal: AbortSignal;
}

/**
 * HTTP to the sandboxes' daemons, each request with an access token for the pod that is meant. What a daemon refuses is
 * thrown as a DaemonError with its code; a daemon that cannot be reached, as DaemonUnreachable.
 */
export interface DaemonConnections {
  /** Resolves when the answer begins. Its body must be read to the end or destroyed. */
  readonly request: (target: DaemonTarget, options: DaemonRequestOptions) => Promise<IncomingMessage>;
  /** A connection to a port inside of the sandbox. */
  readonly tunnel: (target: DaemonTarget, options: Pick<DaemonRequestOptions, 'path' | 'signal'>) => Promise<Duplex>;
  readonly close: () => void;
}

export class DaemonUnreachable extends Error {
  /** Whether nothing listens there: an image without the daemon, or one that has just started. */
  readonly refused: boolean;

  constructor(target: DaemonTarget, cause: unknown) {
    super(`sandboxd at ${target.podIP} cannot be reached`, { cause });
    this.name = 'DaemonUnreachable';
    this.refused = (cause as { readonly code?: unknown }).code === 'ECONNREFUSED';
  }
}

export interface DaemonConnectionsOptions {
  /** Ed25519. */
  readonly privateKey: KeyObject;
  readonly clock: Clock;
  readonly port?: number;
}

const TOKEN_LIFETIME_MS = 600_000;
const CONNECT_TIMEOUT_MS = 5000;

export const makeDaemonConnections = ({
  privateKey,
  clock,
  port = SANDBOXD_PORT,
}: DaemonConnectionsOptions): DaemonConnections => {
  // Idle connections are closed before the daemon does (60 s).
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 8, timeout: 30_000 });
  const tokens = makeTokenCache(privateKey, clock);

  const open = (target: DaemonTarget, options: DaemonRequestOptions, more: Readonly<Record<string, string>> = {}) => {
    const { method, path, headers = {}, signal } = options;
    const request = httpRequest({
      host: target.podIP,
      port,
      method,
      path,
      headers: { ...headers, ...more, authorization: `Bearer ${tokens(target.podUid)}` },
      ...(more['upgrade'] === undefined ? { agent } : { createConnection: connectHalfOpen }),
      signal,
    });
    limitConnecting(request);
    return request;
  };

  const request: DaemonConnections['request'] = async (target, options) => {
    const { body } = options;
    const json = body !== undefined && 'json' in body ? Buffer.from(JSON.stringify(body.json)) : undefined;
    const more: Record<string, string> =
      json === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(json.length) };
    for (;;) {
      const sent = open(target, options, more);
      try {
        const answer = answerOf(sent);
        if (body !== undefined && 'stream' in body) {
          feed(body.stream, sent);
        } else sent.end(json);
        return await accepted(await answer);
      } catch (error) {
        // A refusal may come before all is sent, and then the rest need not be.
        if (!sent.writableFinished) sent.destroy();
        options.signal.throwIfAborted();
        if (error instanceof DaemonError) throw error;
        // A kept connection that the other side had closed meanwhile: nothing of the request has arrived.
        if (sent.reusedSocket && (body === undefined || json !== undefined) && isReset(error)) continue;
        throw new DaemonUnreachable(target, error);
      }
    }
  };

  const tunnel: DaemonConnections['tunnel'] = async (target, { path, signal }) => {
    const sent = open(target, { method: 'GET', path, signal }, { connection: 'Upgrade', upgrade: TUNNEL_PROTOCOL });
    const upgraded = new Promise<Duplex>((resolve, reject) => {
      sent.once('upgrade', (_answer, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      sent.once('error', reject);
      sent.once('response', (answer) => {
        accepted(answer).then(
          () => reject(new Error('sandboxd did not upgrade the connection')),
          (error: unknown) => reject(error),
        );
      });
    });
    sent.end();
    try {
      return await upgraded;
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof DaemonError ? error : new DaemonUnreachable(target, error);
    }
  };

  return { request, tunnel, close: () => agent.destroy() };
};

/** A tunnel's other side may end what it says, and still listen. */
const connectHalfOpen = (options: object): Socket =>
  connect({ ...(options as TcpNetConnectOpts), allowHalfOpen: true });

const answerOf = (request: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });

/** A pod whose node is gone answers nothing at all; a connected daemon may take its time. */
const limitConnecting = (request: ClientRequest): void => {
  const timer = setTimeout(() => {
    request.destroy(Object.assign(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`), { code: 'ETIMEDOUT' }));
  }, CONNECT_TIMEOUT_MS);
  const settle = (): void => clearTimeout(timer);
  request.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', settle);
    else settle();
  });
  request.once('close', settle);
};

const isReset = (error: unknown): boolean =>
  ['ECONNRESET', 'EPIPE'].includes(String((error as { readonly code?: unknown }).code));

const MAX_PROBLEM_BYTES = 65_536;

/** Throws what the daemon says where it refuses. */
const accepted = async (answer: IncomingMessage): Promise<IncomingMessage> => {
  const status = answer.statusCode ?? 0;
  if (status < 400) return answer;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    // Whoever is the agent in a sandbox can put a program of their own in the daemon's place. Leaving the loop destroys the answer.
    if (bytes > MAX_PROBLEM_BYTES) break;
  }
  const text = Buffer.concat(chunks).toString('utf8');
  let problem: Partial<DaemonProblem> = {};
  try {
    problem = JSON.parse(text) as Partial<DaemonProblem>;
  } catch {
    // HEAD has no body; a proxy in between might send anything.
  }
  const code = problem.code ?? (status === 404 ? 'not_found' : 'internal');
  throw new DaemonError(code, problem.message ?? `sandboxd answered ${status}`, undefined, problem.reason);
};

/** One token a pod, made anew when half of its life is over. */
const makeTokenCache = (key: KeyObject, clock: Clock) => {
  const tokens = new Map<string, { readonly token: string; readonly until: number }>();
  return (podUid: string): string => {
    const now = clock.now();
    const kept = tokens.get(podUid);
    if (kept !== undefined && kept.until > now) return kept.token;
    for (const [uid, { until }] of tokens) if (until <= now) tokens.delete(uid);
    const token = signAccessToken(key, { podUid, now, lifetimeMs: TOKEN_LIFETIME_MS });
    tokens.set(podUid, { token, until: now + TOKEN_LIFETIME_MS / 2 });
    return token;
  };
};
