import { BlockList, isIP } from 'node:net';

interface Block {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly length: number;
}

const parse = (cidr: string): Block | undefined => {
  const match = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(cidr);
  const [, address = '', digits] = match ?? [];
  const version = isIP(address);
  const length = Number(digits);
  if (version === 0 || length > (version === 4 ? 32 : 128)) return undefined;
  return { address, family: version === 4 ? 'ipv4' : 'ipv6', length };
};

/** Whether every address of `inner` is one of `outer`'s; both are CIDR blocks, `10.0.0.0/8` or `fc00::/7`. False where one is none. */
export const containsCidr = (outer: string, inner: string): boolean => {
  const [around, block] = [parse(outer), parse(inner)];
  if (around === undefined || block === undefined) return false;
  if (around.family !== block.family || block.length < around.length) return false;
  const list = new BlockList();
  list.addSubnet(around.address, around.length, around.family);
  return list.check(block.address, block.family);
};

/** The block of one address: `10.0.0.1/32`. */
export const hostCidr = (address: string): string => `${address}/${isIP(address) === 6 ? 128 : 32}`;
