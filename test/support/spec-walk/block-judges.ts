import { isIP, isIPv4 } from 'node:net';
import type { Json } from '../../../src/base/json.ts';
import { containsCidr } from '../../../src/base/cidr.ts';

type Judge = (self: Json) => boolean;

/** As Go's netip.ParsePrefix reads it: no zone, no zero in front, no IPv4 address in one of IPv6. */
const isBlock = (text: string): boolean => {
  const [, address = '', length = ''] = /^([^/%]+)\/(0|[1-9]\d{0,2})$/u.exec(text) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(length) <= (version === 4 ? 32 : 128) && !/^::ffff:/iu.test(address);
};

/** The address as a number. */
const bitsOf = (address: string): bigint => {
  if (isIPv4(address)) return address.split('.').reduce((bits, octet) => bits * 256n + BigInt(octet), 0n);
  const [before = '', after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string): readonly string[] => (part === '' ? [] : part.split(':'));
  const [head, tail] = [groups(before), groups(after ?? '')];
  const all = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return all.reduce((bits, group) => bits * 65_536n + BigInt(`0x${group}`), 0n);
};

const isMasked = (block: string): boolean => {
  const [address = '', length = ''] = block.split('/');
  const free = BigInt((isIPv4(address) ? 32 : 128) - Number(length));
  return (bitsOf(address) >> free) << free === bitsOf(address);
};

const rangesIn = (rule: string): readonly string[] =>
  [...rule.matchAll(/cidr\('([^']+)'\)/gu)].map(([, range = '']) => range);
const isWithin = (rule: string, block: string): boolean => rangesIn(rule).some((range) => containsCidr(range, block));

const ofABlock =
  (judge: (block: string) => boolean): Judge =>
  (self) =>
    typeof self !== 'string' || !isBlock(self) || judge(self);

/** What the API server says to the rules about blocks of addresses (src/api/allow-list.ts). */
export const BLOCK_JUDGES: readonly (readonly [rule: RegExp, judge: (match: RegExpExecArray) => Judge])[] = [
  [/^isCIDR\(self\)$/u, () => (self) => typeof self === 'string' && isBlock(self)],
  [/^!isCIDR\(self\) \|\| cidr\(self\) == cidr\(self\)\.masked\(\)$/u, () => ofABlock(isMasked)],
  [/^!isCIDR\(self\) \|\| !\((.*)\)$/u, ([, ranges = '']) => ofABlock((block) => !isWithin(ranges, block))],
  [
    /^!isCIDR\(self\) \|\| cidr\(self\)\.ip\(\)\.family\(\) == 4 \|\| (.*)$/u,
    ([, ranges = '']) => ofABlock((block) => isIPv4(block.split('/')[0] ?? '') || isWithin(ranges, block)),
  ],
];
