import { lookup as systemLookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** Why nothing is sent somewhere. */
export class TargetRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TargetRefused';
  }
}

/**
 * Addresses that are not for everyone: this machine, this network, and what clouds tell their own machines. Whoever may
 * write an endpoint must not reach them through this server. (IANA's special-purpose registries.)
 */
const NOT_PUBLIC = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv4');
}
/** Of IPv6 only what is given out to the world (2000::/3), less what wraps an IPv4 address or is for documents. */
const GLOBAL = new BlockList();
GLOBAL.addSubnet('2000::', 3, 'ipv6');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv6');
}

export const isPublic = (address: string): boolean => {
  const family = isIP(address);
  if (family === 4) return !NOT_PUBLIC.check(address, 'ipv4');
  return family === 6 && GLOBAL.check(address, 'ipv6') && !NOT_PUBLIC.check(address, 'ipv6');
};

export interface Address {
  readonly address: string;
  readonly family: number;
}
export type Lookup = (host: string) => Promise<readonly Address[]>;

const everyAddress: Lookup = (host) => systemLookup(host, { all: true });

/**
 * The addresses that may be connected to for a URL: all of its host's, or none. They are looked up once and used as they
 * are, so that a name cannot answer differently when the connection is made. `allowed` are hosts, or host:port, that may
 * be plain http and anywhere. Throws a TargetRefused.
 */
export const allowedAddresses = async (
  url: URL,
  allowed: readonly string[],
  lookup: Lookup = everyAddress,
): Promise<readonly Address[]> => {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isAllowed = allowed.includes(url.host) || allowed.includes(url.hostname);
  if (url.protocol !== 'https:' && !isAllowed) {
    throw new TargetRefused(`${url.protocol}// is taken for hosts of MATRX_WEBHOOK_ALLOWED_HOSTS only: use https`);
  }
  const family = isIP(host);
  const addresses = family === 0 ? await lookup(host) : [{ address: host, family }];
  if (addresses.length === 0) throw new TargetRefused(`${host} has no address`);
  const hidden = addresses.find(({ address }) => !isPublic(address));
  if (hidden !== undefined && !isAllowed) {
    throw new TargetRefused(
      `${host} is ${hidden.address}, which is no public address: list the host in MATRX_WEBHOOK_ALLOWED_HOSTS if it is meant`,
    );
  }
  return addresses;
};
