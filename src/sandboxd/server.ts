import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { answerError } from './answer.ts';
import { accessTokenFault } from './protocol/access-token.ts';
import { E2B_TOKEN_HEADER } from './protocol/names.ts';
import { DaemonError, statusOf, toProblem } from './protocol/problem.ts';
import { makeRouter, type DaemonRequest, type Match, type Route } from './route.ts';
import type { SandboxdSettings } from './settings.ts';

export interface SandboxdServer {
  readonly address: () => AddressInfo;
  /** Ends every connection. */
  readonly close: () => Promise<void>;
}

/** Listens until closed. Every route but the open ones wants an access token for this very sandbox. */
export const startServer = async (
  settings: Pick<SandboxdSettings, 'host' | 'port' | 'keys' | 'podUid'>,
  routes: readonly Route[],
): Promise<SandboxdServer> => {
  const route = makeRouter(routes);
  const isAllowed = makeTokenCheck(settings);
  const stopping = new AbortController();

  const find = (request: IncomingMessage, method: string): { match: Match; query: URLSearchParams } => {
    const [path = '/', query = ''] = splitOnce(request.url ?? '/', '?');
    const match = route(method, path);
    if (!('route' in match && match.route.open === true)) isAllowed(request);
    if (!('route' in match)) {
      throw match.otherMethods.length === 0
        ? new DaemonError('not_found', `there is nothing at ${path}`)
        : new DaemonError('unimplemented', `${method} is not possible at ${path}: ${match.otherMethods.join(', ')}`);
    }
    return { match, query: new URLSearchParams(query) };
  };

  const open = (
    request: IncomingMessage,
    stream: ServerResponse | Duplex,
    { match, query }: { match: Match; query: URLSearchParams },
  ): DaemonRequest => {
    const gone = new AbortController();
    stream.once('close', () => gone.abort(new Error('the client has gone')));
    return { raw: request, query, params: match.params, signal: AbortSignal.any([gone.signal, stopping.signal]) };
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const found = find(request, request.method ?? 'GET');
      if (!('handle' in found.match.route)) throw new DaemonError('failed_precondition', 'this wants an Upgrade');
      await found.match.route.handle(open(request, response, found), response);
    } catch (thrown) {
      answerError(response, thrown);
      // What still comes of a body that nobody wants is read for nothing, so that its sender gets to read why.
      request.resume();
    }
  };

  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    socket.on('error', () => socket.destroy());
    try {
      const found = find(request, 'UPGRADE');
      if (!('upgrade' in found.match.route)) throw new DaemonError('unimplemented', 'there is nothing to upgrade to');
      await found.match.route.upgrade(open(request, socket, found), socket, head);
    } catch (thrown) {
      refuseUpgrade(socket, thrown);
    }
  };

  // No limit on how long a request may take: a file's or a command's input comes as slowly as it comes.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
    void handle(request, response);
  });
  server.on('upgrade', (request, socket, head) => void upgrade(request, socket, head));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, settings.host, resolve);
  });
  return {
    address: () => server.address() as AddressInfo,
    close: async () => {
      stopping.abort(new Error('sandboxd is stopping'));
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
};

/** A token is checked once and then known: a signature costs more than the rest of a small request. */
const KNOWN_TOKENS = 16;

const makeTokenCheck = ({ keys, podUid }: Pick<SandboxdSettings, 'keys' | 'podUid'>) => {
  const known = new Map<string, number>();
  return (request: IncomingMessage): void => {
    const token = tokenOf(request);
    if (token === undefined) throw new DaemonError('unauthenticated', 'an access token is missing');
    const now = Date.now();
    if ((known.get(token) ?? 0) > now) return;
    const fault = accessTokenFault(keys, token, { podUid, now });
    if (fault !== undefined) throw new DaemonError('unauthenticated', `the access token is not accepted: ${fault}`);
    if (known.size >= KNOWN_TOKENS) known.delete(known.keys().next().value ?? '');
    known.set(token, now + 30_000);
  };
};

const tokenOf = ({ headers }: IncomingMessage): string | undefined => {
  const bearer = /^bearer +(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];
  const e2b = headers[E2B_TOKEN_HEADER];
  return bearer ?? (typeof e2b === 'string' ? e2b : undefined);
};

const refuseUpgrade = (socket: Duplex, thrown: unknown): void => {
  const problem = toProblem(thrown);
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${statusOf(problem)} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
};

const splitOnce = (text: string, separator: string): readonly string[] => {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
};
