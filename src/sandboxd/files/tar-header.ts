import { DaemonError } from '../protocol/problem.ts';
import type { BytePath } from './byte-path.ts';

export const BLOCK_BYTES = 512;

export const notAnArchive = (why: string): DaemonError =>
  new DaemonError('invalid_argument', why, undefined, 'not_an_archive');

/** A header block as it stands, before what extended headers say in its place. */
export interface TarHeader {
  readonly type: string;
  readonly size: number;
  readonly name: BytePath;
  readonly linkName: BytePath;
  /** An old GNU sparse file: more blocks of its map follow the header. */
  readonly isExtended: boolean;
}

/** https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html and GNU's extensions. Throws not_an_archive. */
export const parseHeader = (block: Buffer): TarHeader => {
  if (checksum(block) !== octal(block, 148, 8)) {
    throw notAnArchive('this is no tar archive, or a damaged one; a compressed one has to be sent unpacked');
  }
  const type = String.fromCharCode(block[156] ?? 0);
  const name = text(block, 0, 100);
  // GNU's magic is `ustar  `, and what follows it is no prefix.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? text(block, 345, 155) : '';
  return {
    type,
    size: number(block, 124, 12),
    name: (prefix === '' ? name : `${prefix}/${name}`) as BytePath,
    linkName: text(block, 157, 100) as BytePath,
    isExtended: type === 'S' && block[482] === 1,
  };
};

export const isZero = (block: Buffer): boolean => block.every((byte) => byte === 0);

/** `length key=value\n`, again and again; the last of a key counts. Keys and values are bytes (latin1). */
export const parsePax = (data: Buffer): ReadonlyMap<string, string> => {
  const records = new Map<string, string>();
  for (let at = 0; at < data.length && data[at] !== 0;) {
    const space = data.indexOf(0x20, at);
    const digits = space === -1 ? '' : data.toString('latin1', at, space);
    const length = /^\d{1,8}$/.test(digits) ? Number(digits) : 0;
    const record = data.toString('latin1', space + 1, at + length);
    const equals = record.indexOf('=');
    if (length <= digits.length + 1 || at + length > data.length || !record.endsWith('\n') || equals === -1) {
      throw notAnArchive('the archive has a damaged extended header');
    }
    records.set(record.slice(0, equals), record.slice(equals + 1, -1));
    at += length;
  }
  return records;
};

export const parseSize = (digits: string): number => {
  const size = /^\d{1,16}$/.test(digits) ? Number(digits) : NaN;
  if (!Number.isSafeInteger(size)) throw notAnArchive('the archive has a member of an impossible size');
  return size;
};

const text = (block: Buffer, from: number, length: number): string => {
  const field = block.toString('latin1', from, from + length);
  const end = field.indexOf('\0');
  return end === -1 ? field : field.slice(0, end);
};

const octal = (block: Buffer, from: number, length: number): number => {
  const digits = text(block, from, length).trim();
  return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : NaN;
};

/** Octal, or with the first bit set a binary number. */
const number = (block: Buffer, from: number, length: number): number => {
  if (((block[from] ?? 0) & 0x80) === 0) {
    const size = text(block, from, length).trim() === '' ? 0 : octal(block, from, length);
    return parseSize(String(size));
  }
  const bytes = Buffer.from(block.subarray(from, from + length));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return parseSize(BigInt(`0x${bytes.toString('hex')}`).toString());
};

/** Of the unsigned bytes, the checksum's own taken for spaces. */
const checksum = (block: Buffer): number => {
  let sum = 0;
  for (let at = 0; at < BLOCK_BYTES; at++) sum += at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
  return sum;
};
