import type { IncomingMessage } from 'node:http';
import { keyInHeader } from '../key-header.ts';
import { callerName, type Caller } from '../caller.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { limitCaller } from '../limits/limit-caller.ts';
import { refusedTicket } from '../limits/limit-tickets.ts';
import { makeProblem, ProblemError, problemError } from '../problem.ts';
import type { FacadeMiddleware, RequestState } from '../request-state.ts';
import type { Ticket } from '../ticket.ts';
import type { Admission } from './admission.ts';
import { admitTicket } from './admit-ticket.ts';
import { expirySignal } from './expiry-signal.ts';

/** Open to everyone, as they tell nothing about any sandbox. */
const EXEMPT_PATHS: ReadonlySet<string> = new Set(['/', '/health', '/docs', '/openapi.json', '/redoc']);
/** The page of a terminal, which asks for the key itself, and its files. */
const EXEMPT_PAGES = /^\/(sandboxes\/[^/]+\/terminal|assets\/terminal\/[\w.-]+)$/;

type AuthenticationDependencies = Pick<
  FacadeDependencies,
  'authenticator' | 'settings' | 'rateLimiter' | 'tickets' | 'clock'
>;

/** Finds out who asks, and puts it into the request's state. Throws 401 without and 403 with a wrong key. */
export const authenticate =
  (dependencies: AuthenticationDependencies): FacadeMiddleware =>
  async (context, next) => {
    if (!EXEMPT_PATHS.has(context.path) && !EXEMPT_PAGES.test(context.path)) {
      const { state, headers } = await admit(dependencies, context.req, context.path, context.state);
      context.state = state;
      context.set(headers);
    }
    await next();
  };

/**
 * The request's state once it is known who asks and that the caller may ask for something now; also for what is no Koa
 * request: a connection that asks to be upgraded.
 */
export const admit = async (
  dependencies: AuthenticationDependencies,
  request: IncomingMessage,
  path: string,
  state: RequestState,
): Promise<Admission> => {
  const ticket = givenTicket(dependencies, request, state.clientIp);
  if (ticket !== undefined) return admitTicket(dependencies, ticket, state);
  const caller = await callerOf(dependencies, request, path, state);
  const headers = limitCaller(dependencies, caller, state.clientIp);
  return {
    state: { ...state, caller, signal: signalFor(caller, state, dependencies), log: logFor(caller, state) },
    headers,
  };
};

const callerOf = async (
  { authenticator, settings }: AuthenticationDependencies,
  request: IncomingMessage,
  path: string,
  { clientIp, log, signal }: RequestState,
): Promise<Caller> => {
  if (authenticator === undefined) return { kind: 'anonymous' };
  const secret = secretOf(request, settings.apiKeyHeader);
  if (secret === '') {
    log.warn({ path, client_ip: clientIp }, 'request without an API key');
    throw missingKey(settings.apiKeyHeader);
  }
  const caller = await authenticator({ secret, clientIp }, signal);
  if (caller !== undefined) return caller;
  log.warn({ path, client_ip: clientIp }, 'request with a wrong API key');
  throw problemError('invalid-api-key', 'Invalid API key.');
};

/** What a key has under way ends with the key: when it is revoked, and when it expires. */
const signalFor = (
  caller: Caller,
  { signal, over }: RequestState,
  { clock }: Pick<AuthenticationDependencies, 'clock'>,
): AbortSignal => {
  if (caller.kind !== 'key') return signal;
  const { ended, expiresAt } = caller;
  const signals = [signal];
  if (ended !== undefined) signals.push(ended);
  if (expiresAt !== undefined) signals.push(expirySignal(clock, expiresAt, over, keyExpired));
  return signals.length === 1 ? signal : AbortSignal.any(signals);
};

const keyExpired = (): ProblemError => problemError('api-key-expired', 'This API key has expired. Ask for a new one.');

const logFor = (caller: Caller, { log }: RequestState): RequestState['log'] =>
  log.child({ caller: callerName(caller) });

const secretOf = (request: IncomingMessage, keyHeader: string): string => {
  const { headers } = request;
  const bearer = /^bearer +(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];
  return keyInHeader(request, keyHeader) || (bearer ?? subprotocolSecret(headers['sec-websocket-protocol']));
};

/** A page cannot set the headers of a WebSocket: it offers the key as a subprotocol, `matrx.key.<base64url>`. */
const subprotocolSecret = (offered: string | undefined): string => {
  const encoded = /(?:^|[,\s])matrx\.key\.([\w-]+)/.exec(offered ?? '')?.[1];
  return encoded === undefined ? '' : Buffer.from(encoded, 'base64url').toString('utf8');
};

/** In the query, where alone a browser can put it. */
const ticketOf = ({ url = '' }: IncomingMessage): string | undefined => {
  const at = url.indexOf('?');
  return at === -1 ? undefined : (new URLSearchParams(url.slice(at + 1)).get('ticket') ?? undefined);
};

/** Undefined where there is none, or a key beside it, which counts more. Throws 403 and 429. */
const givenTicket = (
  { authenticator, settings, tickets, rateLimiter }: AuthenticationDependencies,
  request: IncomingMessage,
  clientIp: string,
): Ticket | undefined => {
  if (authenticator === undefined || secretOf(request, settings.apiKeyHeader) !== '') return undefined;
  const text = ticketOf(request);
  if (text === undefined) return undefined;
  const ticket = tickets.read(text);
  if (ticket === undefined) {
    throw refusedTicket({ rateLimiter }, clientIp, 'The ticket is not valid, or has expired');
  }
  return ticket;
};

const missingKey = (header: string): ProblemError =>
  new ProblemError({
    problem: makeProblem(
      'missing-api-key',
      `Missing API key. Send it in the ${header} header or as Authorization: Bearer <key>.`,
    ),
    headers: { 'WWW-Authenticate': 'Bearer realm="matrx-sandbox"' },
  });
