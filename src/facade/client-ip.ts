import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { TrustedProxies } from '../config/trusted-proxies.ts';

/**
 * Where a request comes from. Each proxy appends to X-Forwarded-For whom it was asked by, so the list is read from its
 * end, and only as far as the proxies are trusted: what stands before that, anybody may have written.
 */
export const clientIpOf = (
  {
    socket,
    headers,
  }: Pick<IncomingMessage, 'headers'> & { readonly socket: { readonly remoteAddress?: string | undefined } },
  trusted: TrustedProxies,
): string => {
  const peer = plainAddress(socket.remoteAddress ?? '') ?? '';
  if (trusted.kind === 'none') return peer;
  let client = peer;
  for (const [hop, text] of forwardedFor(headers['x-forwarded-for']).entries()) {
    if (trusted.kind === 'count' ? hop >= trusted.count : !isIn(trusted.networks, client)) break;
    const address = plainAddress(text);
    // A proxy that will not say (`unknown`): the last that is known is the proxy itself.
    if (address === undefined) break;
    client = address;
  }
  return client;
};

/** The nearest first. */
const forwardedFor = (header: string | readonly string[] | undefined): readonly string[] => {
  const text = header === undefined || typeof header === 'string' ? header : header.join(',');
  return text === undefined
    ? []
    : text
        .split(',')
        .map((part) => part.trim())
        .toReversed();
};

const isIn = (networks: Extract<TrustedProxies, { kind: 'networks' }>['networks'], address: string): boolean =>
  address !== '' && networks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** An address without port, brackets, zone and the IPv6 form of an IPv4 one; undefined where it is none. */
const plainAddress = (text: string): string | undefined => {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text;
  const address = bare.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
  return isIP(address) === 0 ? undefined : address.toLowerCase();
};
