import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import type { Entry } from './entry.ts';
import { HomeError } from './home.ts';
import { decodeEntry, encodeEntry, wireEntry } from './manifest-entry.ts';
import { makeTreeCheck } from './tree-fault.ts';

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

/** Of what is not saved, so many names are kept. */
const MAX_SKIPPED = 100;

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
});
/** Lines between two chances for others to run: a few milliseconds' work. */
const LINES_A_TURN = 500;
/** What stands between the fields and the entries, and after the last entry: line ends are part of the format. */
const OPENING = ',"entries":[\n';
const CLOSING = '\n]}\n';

/** JSON with one entry a line (so that `zgrep` finds a file), compressed. */
export const encodeManifest = async (manifest: Manifest): Promise<EncodedManifest> => {
  const { entries, packs, ...rest } = manifest;
  const top = {
    format: MANIFEST_FORMAT,
    ...rest,
    skipped: rest.skipped.slice(0, MAX_SKIPPED),
    createdAt: new Date(rest.createdAt).toISOString(),
    parent: rest.parent ?? null,
    packs: Object.fromEntries(packs),
  };
  const pieces = [Buffer.from(JSON.stringify(top).slice(0, -1) + OPENING)];
  for (let start = 0; start < entries.length; start += LINES_A_TURN) {
    const lines = entries.slice(start, start + LINES_A_TURN).map((entry) => JSON.stringify(encodeEntry(entry)));
    pieces.push(Buffer.from((start === 0 ? '' : ',\n') + lines.join(',\n')));
    await new Promise(setImmediate);
  }
  const body = await compress(Buffer.concat([...pieces, Buffer.from(CLOSING)]), { level: 4 });
  return { body, sha256: hash('sha256', body, 'hex') };
};

/** Throws HomeError `Corrupt`, naming `where`, for anything that is not a whole and possible tree. */
export const decodeManifest = async (body: Buffer, where: string): Promise<Manifest> => {
  const corrupt = (message: string, cause?: unknown): HomeError =>
    new HomeError('Corrupt', `${where} ${message}`, cause);
  const text = await decompress(body).then(String, (cause: unknown) => {
    throw corrupt('is not compressed', cause);
  });
  const opening = text.indexOf(OPENING);
  const top = parseJson(opening === -1 ? text : `${text.slice(0, opening)}}`);
  const format = (top as { format?: unknown } | undefined)?.format;
  if (typeof format === 'number' && format !== MANIFEST_FORMAT) {
    throw corrupt(
      `has format ${format}, and this version reads format ${MANIFEST_FORMAT}: use a version of matrx-sandbox that knows format ${format}`,
    );
  }
  const parsed = wire.safeParse(top);
  if (!parsed.success || opening === -1 || !text.endsWith(CLOSING)) {
    const issue = parsed.error?.issues[0];
    throw corrupt(
      `is no manifest: ${issue === undefined ? 'it is cut off' : `${issue.path.join('.')}: ${issue.message}`}`,
    );
  }
  const { format: _format, createdAt, parent, packs, ...rest } = parsed.data;
  return {
    ...rest,
    createdAt: Date.parse(createdAt),
    parent: parent ?? undefined,
    packs: new Map(Object.entries(packs)),
    entries: await decodeEntries(text.slice(opening + OPENING.length, -CLOSING.length), corrupt),
  };
};

/** Line by line and in turns: a large tree must not stop the other homes of the process. */
const decodeEntries = async (lines: string, corrupt: (message: string) => HomeError): Promise<readonly Entry[]> => {
  const entries: Entry[] = [];
  const check = makeTreeCheck();
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(',\n', start);
    const parsed = wireEntry.safeParse(parseJson(lines.slice(start, end === -1 ? undefined : end)));
    if (!parsed.success) throw corrupt(`is no manifest: entry ${entries.length}: ${parsed.error.issues[0]?.message}`);
    const entry = decodeEntry(parsed.data);
    const fault = check.add(entry);
    if (fault !== undefined) throw corrupt(`holds an impossible tree: ${fault}`);
    entries.push(entry);
    if (entries.length % LINES_A_TURN === 0) await new Promise(setImmediate);
    start = end === -1 ? lines.length : end + 2;
  }
  const missing = check.end();
  if (missing !== undefined) throw corrupt(`holds an impossible tree: ${missing}`);
  return entries;
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
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
