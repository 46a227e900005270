import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { bytePath, pathBytes } from './byte-path.ts';
import type { Content, Entry } from './entry.ts';

/** Bytes that are UTF-8 stand as text, others as base64, so that both a person and a program can read them. */
const rawBytes = z.union([z.string(), z.object({ base64: z.base64() })]);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const wholeNumber = z.number().int().nonnegative();
const common = {
  path: rawBytes,
  /** Octal, as chmod takes it. */
  mode: z.string().regex(/^[0-7]{4}$/),
  /** A string: nanoseconds since the epoch do not fit into a JSON number. */
  mtimeNs: z.string().regex(/^-?\d{1,19}$/),
};
const link = wholeNumber.optional();

/** One line of a manifest. */
export const wireEntry = z.discriminatedUnion('type', [
  z.object({ type: z.literal('directory'), ...common }),
  z.object({ type: z.literal('symlink'), ...common, target: rawBytes, link }),
  z.object({
    type: z.literal('file'),
    ...common,
    size: wholeNumber,
    link,
    /** Of files in packs; a large file's blobs are named by their own hashes. */
    sha256: sha256.optional(),
    location: z
      .union([
        z.object({ pack: sha256, offset: wholeNumber, length: wholeNumber }),
        /** A number stands for so many pieces of zeros. */
        z.object({ blobs: z.array(z.union([sha256, wholeNumber.min(1)])) }),
      ])
      .optional(),
  }),
]);
type WireEntry = z.infer<typeof wireEntry>;

const encodeBytes = (text: string): z.infer<typeof rawBytes> => {
  const bytes = pathBytes(text);
  return isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') };
};
const decodeBytes = (raw: z.infer<typeof rawBytes>): string =>
  typeof raw === 'string' ? bytePath(raw) : Buffer.from(raw.base64, 'base64').toString('latin1');

export const encodeEntry = (entry: Entry): WireEntry => {
  const shared = {
    path: encodeBytes(entry.path),
    mode: entry.mode.toString(8).padStart(4, '0'),
    mtimeNs: String(entry.mtimeNs),
  };
  if (entry.type === 'directory') return { type: 'directory', ...shared };
  const grouped = entry.link === undefined ? {} : { link: entry.link };
  if (entry.type === 'symlink') return { type: 'symlink', ...shared, target: encodeBytes(entry.target), ...grouped };
  return { type: 'file', ...shared, size: entry.size, ...grouped, ...encodeContent(entry.content, entry.size) };
};

const encodeContent = (content: Content, length: number) => {
  if (content.kind === 'empty') return {};
  if (content.kind === 'blobs') return { location: { blobs: [...content.blobs] } };
  return { sha256: content.sha256, location: { pack: content.pack, offset: content.offset, length } };
};

export const decodeEntry = (wire: WireEntry): Entry => {
  const shared = { path: decodeBytes(wire.path), mode: Number.parseInt(wire.mode, 8), mtimeNs: BigInt(wire.mtimeNs) };
  if (wire.type === 'directory') return { type: 'directory', ...shared };
  const grouped = wire.link === undefined ? {} : { link: wire.link };
  if (wire.type === 'symlink') return { type: 'symlink', ...shared, target: decodeBytes(wire.target), ...grouped };
  return { type: 'file', ...shared, size: wire.size, ...grouped, content: decodeContent(wire) };
};

const decodeContent = (wire: Extract<WireEntry, { type: 'file' }>): Content => {
  if (wire.location === undefined) return { kind: 'empty' };
  if ('blobs' in wire.location) return { kind: 'blobs', blobs: wire.location.blobs };
  const { pack, offset } = wire.location;
  return { kind: 'packed', sha256: wire.sha256 ?? '', pack, offset };
};
