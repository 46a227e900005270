import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

/** Whose X-Forwarded-For is believed. */
export type TrustedProxies =
  | { readonly kind: 'none' }
  /** So many proxies stand before this server, whatever their addresses. */
  | { readonly kind: 'count'; readonly count: number }
  /** Proxies have addresses in these networks. */
  | { readonly kind: 'networks'; readonly networks: BlockList };

export const NO_PROXIES: TrustedProxies = Object.freeze({ kind: 'none' });

const EXPECTED =
  'takes how many proxies stand before the facade (1), or their addresses (10.0.0.0/8,2001:db8::/32), separated by commas';

/** MATRX_TRUSTED_PROXIES: a count, or addresses and networks in CIDR form. */
export const trustedProxies = z.string().transform((text, context): TrustedProxies => {
  if (/^\d{1,2}$/.test(text.trim())) {
    const count = Number(text);
    return count === 0 ? NO_PROXIES : { kind: 'count', count };
  }
  const networks = new BlockList();
  for (const one of text.split(',').map((part) => part.trim())) {
    if (!addNetwork(networks, one)) {
      context.addIssue({ code: 'custom', message: `${EXPECTED}; ${JSON.stringify(one)} is neither` });
      return z.NEVER;
    }
  }
  return { kind: 'networks', networks };
});

const addNetwork = (networks: BlockList, text: string): boolean => {
  const [address = '', prefix, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || more.length > 0) return false;
  const bits = version === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  // /0 would believe everyone; a count says that more clearly.
  if (length < 1 || length > bits) return false;
  networks.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
  return true;
};
