import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import type { Entry } from './entry.ts';
import { HomeError } from './home.ts';
import { decodeEntry, encodeEntry, wireEntry } from './manifest-entry.ts';
import { treeFault } from './tree-fault.ts';

export const MANIFEST_FORMAT = 1;

/** One complete state of a home. `entries` are sorted by their bytes; the first is the home itself. */
export interface Manifest {
  readonly epoch: number;
  readonly sequence: number;
  readonly writer: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Key, below the prefix, of the commit before this one. */
  readonly parent: string | undefined;
  /** Bytes of every pack the entries refer to, by its SHA-256. */
  readonly packs: ReadonlyMap<string, number>;
  /** Sockets, FIFOs and devices that were there and are not saved; at most 100. */
  readonly skipped: readonly string[];
  readonly entries: readonly Entry[];
}

export interface EncodedManifest {
  readonly body: Buffer;
  readonly sha256: string;
}

const compress = promisify(gzip);
const decompress = promisify(gunzip);
const wholeNumber = z.number().int().nonnegative();
const wire = z.object({
  format: z.literal(MANIFEST_FORMAT),
  epoch: wholeNumber,
  sequence: wholeNumber,
  writer: z.string(),
  createdAt: z.iso.datetime(),
  parent: z.string().nullable(),
  packs: z.record(z.string(), wholeNumber),
  skipped: z.array(z.string()),
  entries: z.array(wireEntry),
});
/** Lines between two chances for others to run: about a millisecond's work. */
const LINES_A_TURN = 1000;

/** JSON with one entry a line (so that `zgrep` finds a file), compressed. */
export const encodeManifest = async (manifest: Manifest): Promise<EncodedManifest> => {
  const { entries, packs, ...rest } = manifest;
  const top = {
    format: MANIFEST_FORMAT,
    ...rest,
    createdAt: new Date(rest.createdAt).toISOString(),
    parent: rest.parent ?? null,
    packs: Object.fromEntries(packs),
  };
  const pieces = [Buffer.from(`${JSON.stringify(top).slice(0, -1)},"entries":[\n`)];
  for (let start = 0; start < entries.length; start += LINES_A_TURN) {
    const lines = entries.slice(start, start + LINES_A_TURN).map((entry) => JSON.stringify(encodeEntry(entry)));
    pieces.push(Buffer.from((start === 0 ? '' : ',\n') + lines.join(',\n')));
    await new Promise(setImmediate);
  }
  const body = await compress(Buffer.concat([...pieces, Buffer.from('\n]}\n')]), { level: 4 });
  return { body, sha256: hash('sha256', body, 'hex') };
};

/** Throws HomeError `Corrupt`, naming `where`, for anything that is not a whole and possible tree. */
export const decodeManifest = async (body: Buffer, where: string): Promise<Manifest> => {
  const json = await parse(body, where);
  const format = (json as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format !== MANIFEST_FORMAT) {
    throw new HomeError(
      'Corrupt',
      `${where} has format ${format}, and this version reads format ${MANIFEST_FORMAT}: use a version of matrx-sandbox that knows format ${format}`,
    );
  }
  const parsed = wire.safeParse(json);
  if (!parsed.success) {
    const first = parsed.error.issues[0];
    throw new HomeError('Corrupt', `${where} is no manifest: ${first?.path.join('.')}: ${first?.message}`);
  }
  const { format: _format, createdAt, parent, packs, entries, ...rest } = parsed.data;
  const tree = entries.map(decodeEntry);
  const fault = treeFault(tree);
  if (fault !== undefined) throw new HomeError('Corrupt', `${where} holds an impossible tree: ${fault}`);
  return {
    ...rest,
    createdAt: Date.parse(createdAt),
    parent: parent ?? undefined,
    packs: new Map(Object.entries(packs)),
    entries: tree,
  };
};

const parse = async (body: Buffer, where: string): Promise<unknown> => {
  try {
    return JSON.parse((await decompress(body)).toString());
  } catch (cause) {
    throw new HomeError('Corrupt', `${where} is not compressed JSON`, cause);
  }
};

/** Regular files, each hard link counted, and their bytes, each inode counted once. */
export const treeSize = (entries: readonly Entry[]): { readonly files: number; readonly bytes: number } => {
  const seen = new Set<number>();
  let files = 0;
  let bytes = 0;
  for (const entry of entries) {
    if (entry.type !== 'file') continue;
    files += 1;
    if (entry.link !== undefined && seen.has(entry.link)) continue;
    if (entry.link !== undefined) seen.add(entry.link);
    bytes += entry.size;
  }
  return { files, bytes };
};
