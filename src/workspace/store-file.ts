import { closeSync, fstatSync, type BigIntStats } from 'node:fs';
import { hash } from 'node:crypto';
import { baseName } from './byte-path.ts';
import { makeBufferPool } from './buffer-pool.ts';
import type { ByteBudget } from './byte-budget.ts';
import { dataRegions, type Region } from './data-regions.ts';
import { addHole, BLOB_BYTES, PACKED_BELOW, type Content } from './entry.ts';
import type { Known } from './home-index.ts';
import { blobKey } from './layout.ts';
import type { PackWriter, Slot } from './pack-writer.ts';
import { openFile, readPiece, readSmallFile, sameVersion, type OpenFile } from './read-file.ts';
import type { Directory } from './root.ts';
import { observe, type Observed } from './scan.ts';
import type { Uploads } from './uploads.ts';

/** One file's bytes, read and on their way to the bucket. */
export interface StoredFile {
  /** As it was when the bytes were read. */
  readonly seen: Observed;
  /** Complete once the pack writer has finished. */
  readonly content: () => Content;
  /** False when it changed in between: what was read is whole in itself, and the file must be read again. */
  readonly stable: boolean;
}

export interface FileStorer {
  readonly store: (directory: Directory, seen: Observed) => Promise<StoredFile | 'gone' | 'busy'>;
}

const ZEROS = Buffer.alloc(BLOB_BYTES);
/** Reading a large file again costs: a log that never rests is stored as it was at the second try. */
const LARGE_TRIES = 2;

export const makeFileStorer = (deps: {
  readonly known: Known;
  readonly packs: PackWriter;
  readonly uploads: Uploads;
  readonly budget: ByteBudget;
  readonly signal: AbortSignal | undefined;
}): FileStorer => {
  let scratch: Buffer | undefined;
  const pool = makeBufferPool(BLOB_BYTES);
  const slots = new Map<string, Slot>();
  const sentBlobs = new Set<string>();

  const storeSmall = async (file: OpenFile, path: string): Promise<StoredFile | 'large'> => {
    scratch ??= Buffer.allocUnsafeSlow(PACKED_BELOW);
    const result = readSmallFile(file, scratch);
    if (result === 'large') return 'large';
    const data = scratch.subarray(0, result.bytes);
    const seen = { ...observe(path, 'file', result.stats, undefined), size: data.length };
    if (data.length === 0) return { seen, content: () => ({ kind: 'empty' }), stable: result.stable };
    const sha256 = hash('sha256', data, 'hex');
    const there = deps.known.packed(sha256);
    if (there !== undefined) return { seen, content: () => there, stable: result.stable };
    const slot = slots.get(sha256) ?? (await deps.packs.add(seen, data));
    slots.set(sha256, slot);
    return { seen, content: () => packedContent(sha256, slot), stable: result.stable };
  };

  const storePiece = async (file: OpenFile, position: number, size: number): Promise<PieceRead> => {
    const release = await deps.budget.acquire(BLOB_BYTES, deps.signal);
    const buffer = pool.take(BLOB_BYTES);
    const giveBack = (): void => {
      pool.give(buffer);
      release();
    };
    try {
      const bytes = await readPiece(file.fd, buffer, position, Math.min(BLOB_BYTES, size - position));
      const data = buffer.subarray(0, bytes);
      if (data.equals(ZEROS.subarray(0, bytes))) {
        giveBack();
        return { bytes, blob: undefined };
      }
      const sha256 = hash('sha256', data, 'hex');
      if (deps.known.blob(sha256) || sentBlobs.has(sha256)) giveBack();
      else deps.uploads.start(blobKey(sha256), sha256, data, giveBack);
      sentBlobs.add(sha256);
      return { bytes, blob: sha256 };
    } catch (thrown) {
      release();
      throw thrown;
    }
  };

  /** Reads `stats.size` bytes piece by piece, but for what is known to be a hole; how far it came, and what it found. */
  const storePieces = async (file: OpenFile, stats: BigIntStats): Promise<Pieces> => {
    const size = Number(stats.size);
    const skipHole = makeHoleSkipper(await dataRegions(file.fd, stats), size);
    const blobs: (string | number)[] = [];
    let position = 0;
    while (position < size) {
      deps.signal?.throwIfAborted();
      const next = skipHole(position);
      addHole(blobs, Math.ceil((next - position) / BLOB_BYTES));
      position = next;
      if (position >= size) break;
      const { bytes, blob } = await storePiece(file, position, size);
      if (bytes === 0) break;
      if (blob === undefined) addHole(blobs, 1);
      else blobs.push(blob);
      position += bytes;
      if (bytes < BLOB_BYTES) break;
    }
    return { blobs, size: position };
  };

  const storeLarge = async (file: OpenFile, path: string): Promise<StoredFile> => {
    let { stats } = file;
    for (let tries = 1; ; tries++) {
      const { blobs, size } = await storePieces(file, stats);
      const after = fstatSync(file.fd, { bigint: true });
      const stable = sameVersion(stats, after) && BigInt(size) === stats.size;
      if (stable || tries === LARGE_TRIES) {
        const content: Content = size === 0 ? { kind: 'empty' } : { kind: 'blobs', blobs };
        return { seen: { ...observe(path, 'file', stats, undefined), size }, content: () => content, stable };
      }
      stats = after;
    }
  };

  const store: FileStorer['store'] = async (directory, { path }) => {
    const file = openFile(directory, baseName(path));
    if (typeof file === 'string') return file;
    try {
      const small = await storeSmall(file, path);
      return small === 'large' ? await storeLarge(file, path) : small;
    } finally {
      closeSync(file.fd);
    }
  };

  return { store };
};

interface Pieces {
  readonly blobs: readonly (string | number)[];
  readonly size: number;
}

/**
 * Asked for ever later positions: where the next piece with data in it begins. `position` itself where nothing is
 * known; `size` in the last hole.
 */
const makeHoleSkipper = (regions: readonly Region[] | undefined, size: number): ((position: number) => number) => {
  let next = 0;
  return (position) => {
    if (regions === undefined) return position;
    while (next < regions.length && regions[next]!.offset + regions[next]!.length <= position) next += 1;
    const data = regions[next];
    return data === undefined ? size : Math.max(position, data.offset - (data.offset % BLOB_BYTES));
  };
};

interface PieceRead {
  readonly bytes: number;
  /** undefined for nothing but zeros. */
  readonly blob: string | undefined;
}

const packedContent = (sha256: string, slot: Slot): Content => {
  if (slot.pack === undefined) throw new Error('a file was asked for its place before its pack was sealed');
  return { kind: 'packed', sha256, pack: slot.pack, offset: slot.offset };
};
