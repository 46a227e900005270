import { closeSync, constants, fstatSync, openSync, read, readSync, type BigIntStats } from 'node:fs';
import { promisify } from 'node:util';
import { displayPath, type BytePath } from './byte-path.ts';
import { PACKED_BELOW } from './entry.ts';
import { errorCode, isGone, type Directory } from './root.ts';

/** Never follows a link, never waits: not for a FIFO's writer, and not for a lease that the other side holds. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** A file that changes while it is read is read again this often; then what was read is stored, and it stays dirty. */
const TRIES = 3;
const readAt = promisify(read);

export interface OpenFile {
  readonly fd: number;
  readonly stats: BigIntStats;
}

/** `gone`: not there, or no regular file any more. `busy`: it exists and cannot be opened at this moment. */
export const openFile = (directory: Directory, name: BytePath): OpenFile | 'gone' | 'busy' => {
  let fd: number;
  try {
    fd = openSync(directory.at(name), READ);
  } catch (thrown) {
    // ENXIO: a socket or a device without driver. ETXTBSY and EAGAIN: someone holds a lease.
    if (isGone(thrown) || errorCode(thrown) === 'ENXIO') return 'gone';
    if (['EAGAIN', 'ETXTBSY'].includes(errorCode(thrown))) return 'busy';
    throw new Error(`cannot read ${JSON.stringify(displayPath(name))}`, { cause: thrown });
  }
  const stats = fstatSync(fd, { bigint: true });
  if (stats.isFile()) return { fd, stats };
  closeSync(fd);
  return 'gone';
};

export const sameVersion = (a: BigIntStats, b: BigIntStats): boolean =>
  a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;

export interface ReadResult {
  /** The file as it was before the read whose bytes count. */
  readonly stats: BigIntStats;
  readonly bytes: number;
  /** False when it changed during every try. */
  readonly stable: boolean;
}

/** Reads all of a small file into the start of `into`, which holds PACKED_BELOW bytes; `large` when it has grown. */
export const readSmallFile = (file: OpenFile, into: Buffer): ReadResult | 'large' => {
  let { stats } = file;
  for (let tries = 1; ; tries++) {
    if (stats.size >= BigInt(PACKED_BELOW)) return 'large';
    const bytes = fill(file.fd, into);
    const after = fstatSync(file.fd, { bigint: true });
    const stable = sameVersion(stats, after) && BigInt(bytes) === stats.size;
    if (stable || tries === TRIES) return { stats, bytes: Math.min(bytes, PACKED_BELOW - 1), stable };
    stats = after;
  }
};

const fill = (fd: number, into: Buffer): number => {
  let filled = 0;
  for (;;) {
    const bytes = readSync(fd, into, filled, into.length - filled, filled);
    if (bytes === 0) return filled;
    filled += bytes;
  }
};

/** Reads up to `length` bytes at `position` off the event loop; fewer only at the end of the file. */
export const readPiece = async (fd: number, into: Buffer, position: number, length: number): Promise<number> => {
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await readAt(fd, into, filled, length - filled, position + filled);
    if (bytesRead === 0) return filled;
    filled += bytesRead;
  }
  return filled;
};
