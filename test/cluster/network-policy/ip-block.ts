import { isIPv4 } from 'node:net';

interface Block {
  readonly cidr: string;
  readonly first: number;
  readonly last: number;
}

const addressNumber = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

const addressText = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

/** Undefined for what is not IPv4: the pods' network has nothing else. */
const parseBlock = (cidr: string): Block | undefined => {
  const [address = '', length = '32'] = cidr.split('/');
  if (!isIPv4(address)) return undefined;
  const size = 2 ** (32 - Number(length));
  // The API takes a block by any address in it.
  const first = Math.floor(addressNumber(address) / size) * size;
  return { cidr: `${addressText(first)}/${length}`, first, last: first + size - 1 };
};

/**
 * IPv4 blocks in their shortest form: what lies within another is left out, because nftables refuses sets with elements
 * that overlap. Two blocks always nest or have nothing in common.
 */
export const outermostBlocks = (cidrs: readonly string[]): readonly string[] => {
  const blocks = cidrs
    .flatMap((cidr) => parseBlock(cidr) ?? [])
    .toSorted((a, b) => a.first - b.first || b.last - a.last);
  const outermost: Block[] = [];
  for (const block of blocks) if (block.last > (outermost.at(-1)?.last ?? -1)) outermost.push(block);
  return outermost.map(({ cidr }) => cidr);
};
