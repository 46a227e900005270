import type { IncomingMessage } from 'node:http';
import { looksLikeTicket } from '../ticket.ts';
import { PREVIEW_COOKIE } from './preview-cookie.ts';

/** Header lines as http.request and ServerResponse take them. */
export type HeaderLines = Readonly<Record<string, string | readonly string[]>>;

/** Of one connection, not of the message (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Without them a body would be taken for the next request, whatever `Connection` says of them. */
const FRAMING = new Set(['content-length', 'transfer-encoding']);

/** What holds for all of an origin: below a path, that is this server's own, and not the port's to decide on. */
const OF_THE_ORIGIN = new Set([
  'alt-svc',
  'clear-site-data',
  'nel',
  'origin-agent-cluster',
  'public-key-pins',
  'report-to',
  'reporting-endpoints',
  'service-worker-allowed',
  'strict-transport-security',
  'www-authenticate',
]);

/** Said anew: what a client says of where it comes from is not to be believed. */
const SAID_ANEW = new Set([
  'host',
  'forwarded',
  'x-real-ip',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-prefix',
]);

export interface Forwarding {
  readonly port: number;
  readonly clientIp: string;
  /** Where the port's root is on this server; '' where it has a host of its own. */
  readonly prefix: string;
  readonly apiKeyHeader: string;
  /** Whether `Authorization: Bearer` let the caller in here, and is not the port's. */
  readonly bearerIsOurs: boolean;
  /** Whether the connection is to be upgraded to a WebSocket. */
  readonly upgrade: boolean;
}

/**
 * A request's headers as the port gets them: without what is between the client and this server, above all its key and
 * its ticket, which nobody in a sandbox may have. Programs for development answer only to a local name (Host); under
 * which name they were asked says X-Forwarded-Host.
 */
export const requestHeaders = (request: IncomingMessage, forwarding: Forwarding): HeaderLines => {
  const { port, clientIp, prefix, upgrade } = forwarding;
  const named = namedInConnection(request.headers.connection);
  const lines = linesOf(request.rawHeaders, (name, value) => {
    if (HOP_BY_HOP.has(name) || SAID_ANEW.has(name) || named.has(name)) return undefined;
    // A request that is upgraded has no body: what comes behind it are the frames of a WebSocket.
    if (upgrade && FRAMING.has(name)) return undefined;
    return withoutCredentials(name, value, forwarding);
  });
  const { host, 'x-forwarded-proto': proto, 'transfer-encoding': coding } = request.headers;
  return {
    ...lines,
    host: `localhost:${port}`,
    ...(upgrade ? { connection: 'Upgrade', upgrade: 'websocket' } : { connection: 'close' }),
    // However it was cut into pieces on its way here, it has to be on its way on.
    ...(coding === undefined || upgrade ? {} : { 'transfer-encoding': 'chunked' }),
    'x-forwarded-for': clientIp,
    'x-forwarded-proto': protocolOf(proto),
    ...(host === undefined ? {} : { 'x-forwarded-host': host }),
    ...(prefix === '' ? {} : { 'x-forwarded-prefix': prefix }),
  };
};

/** Of the proxy before this server, which alone speaks TLS. */
export const protocolOf = (forwarded: string | readonly string[] | undefined): 'http' | 'https' =>
  String(forwarded ?? '')
    .split(',')[0]
    ?.trim()
    .toLowerCase() === 'https'
    ? 'https'
    : 'http';

/** A path and query as the port gets them: without this server's ticket. */
export const withoutTicket = (path: string): string => {
  const at = path.indexOf('?');
  if (at === -1) return path;
  const kept = path
    .slice(at + 1)
    .split('&')
    .filter((pair) => !looksLikeTicket(new URLSearchParams(pair).get('ticket') ?? ''));
  return kept.length === 0 ? path.slice(0, at) : `${path.slice(0, at)}?${kept.join('&')}`;
};

/**
 * An answer's headers as the client gets them. `prefix` as above: a redirection to the port's own root leads to where
 * that is here, and cookies stay with the port that set them.
 */
export const responseHeaders = (
  answer: IncomingMessage,
  { port, prefix }: Pick<Forwarding, 'port' | 'prefix'>,
): HeaderLines => {
  const named = namedInConnection(answer.headers.connection);
  return linesOf(answer.rawHeaders, (name, value) => {
    if (HOP_BY_HOP.has(name) || named.has(name) || name === 'x-request-id') return undefined;
    if (prefix !== '' && OF_THE_ORIGIN.has(name)) return undefined;
    if (name === 'location') return ownLocation(value, port, prefix);
    return name === 'set-cookie' ? ownCookie(value, prefix) : value;
  });
};

const ownLocation = (location: string, port: number, prefix: string): string => {
  const path = location.replace(
    new RegExp(`^https?://(?:localhost|127\\.0\\.0\\.1|\\[::1\\]):${port}(?=/|$)`, 'i'),
    '',
  );
  return path.startsWith('/') && !path.startsWith('//') ? `${prefix}${path}` : path || `${prefix}/`;
};

/** Never for other hosts of the domain: they are other people's sandboxes. */
const ownCookie = (cookie: string, prefix: string): string => {
  const [pair = '', ...attributes] = cookie.split(';');
  const kept = attributes.filter((attribute) => !/^\s*domain\s*=/i.test(attribute));
  if (prefix === '') return [pair, ...kept].join(';');
  const path =
    kept
      .find((attribute) => /^\s*path\s*=/i.test(attribute))
      ?.split('=')[1]
      ?.trim() ?? '/';
  const others = kept.filter((attribute) => !/^\s*path\s*=/i.test(attribute));
  return [pair, ...others, ` Path=${prefix}${path.startsWith('/') ? path : '/'}`].join(';');
};

const withoutCredentials = (
  name: string,
  value: string,
  { apiKeyHeader, bearerIsOurs }: Forwarding,
): string | undefined => {
  if (name === apiKeyHeader.toLowerCase()) return undefined;
  if (name === 'authorization') return bearerIsOurs && /^bearer\s/i.test(value) ? undefined : value;
  if (name === 'cookie') return joined(value.split(';'), '; ', (part) => !part.startsWith(`${PREVIEW_COOKIE}=`));
  if (name === 'sec-websocket-protocol')
    return joined(value.split(','), ', ', (part) => !part.startsWith('matrx.key.'));
  return value;
};

/** Undefined where nothing is left. */
const joined = (parts: readonly string[], separator: string, keeps: (part: string) => boolean): string | undefined =>
  parts
    .map((part) => part.trim())
    .filter((part) => part !== '' && keeps(part))
    .join(separator) || undefined;

/** `convert` gets a lower-case name, and gives undefined for what is left out. */
const linesOf = (
  rawHeaders: readonly string[],
  convert: (name: string, value: string) => string | undefined,
): Record<string, string | string[]> => {
  const lines = new Map<string, string[]>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    const value = convert(name, rawHeaders[at + 1] ?? '');
    if (value !== undefined) lines.set(name, [...(lines.get(name) ?? []), value]);
  }
  return Object.fromEntries(
    [...lines].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  );
};

const namedInConnection = (connection: string | undefined): ReadonlySet<string> =>
  new Set(
    (connection ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter((name) => !FRAMING.has(name)),
  );
