import { closeSync, constants, fstatSync, openSync, readlinkSync, type BigIntStats } from 'node:fs';
import { displayPath, type BytePath } from './byte-path.ts';

/**
 * A home that someone hostile may be writing to at this moment. Nothing below it is ever opened by a path that could
 * lead out of it: a directory counts only if the kernel says that what was opened is where it should be (no parent
 * was swapped for a symlink), and files are opened relative to such a directory, never following a link.
 */
export interface Root {
  /** As the kernel names it: absolute, without symlinks. */
  readonly realPath: BytePath;
  readonly device: bigint;
  readonly inode: bigint;
  /** A directory below the root (or the root itself), or undefined where it is not there any more. Close it. */
  readonly openDirectory: (path: BytePath) => Directory | undefined;
  readonly close: () => void;
}

export interface Directory {
  readonly stats: BigIntStats;
  /** A path to one of its names that is valid while the directory is open. */
  readonly at: (name: BytePath) => string | Buffer;
  readonly close: () => void;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** What a path gives that was something else a moment ago. */
const GONE = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ESTALE'];
const ASCII = /^[\0-\x7f]*$/;

export const errorCode = (thrown: unknown): string => (thrown as { code?: string } | null)?.code ?? '';
export const isGone = (thrown: unknown): boolean => GONE.includes(errorCode(thrown));

/** Node takes text for UTF-8: only what is ASCII may go as a string, and most does. */
export const systemPath = (path: BytePath): string | Buffer => (ASCII.test(path) ? path : Buffer.from(path, 'latin1'));

/** Throws the file system's own error where `path` is no directory. */
export const openRoot = (path: string): Root => {
  const fd = openSync(path, DIRECTORY);
  const { dev, ino } = fstatSync(fd, { bigint: true });
  const realPath = whereIs(fd);
  return {
    realPath,
    device: dev,
    inode: ino,
    openDirectory: (below) => openBelow(fd, realPath, below),
    close: () => closeSync(fd),
  };
};

const whereIs = (fd: number): BytePath => readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'latin1' });

const openBelow = (rootFd: number, realPath: BytePath, path: BytePath): Directory | undefined => {
  let fd: number;
  try {
    fd = openSync(systemPath(`/proc/self/fd/${rootFd}/${path === '' ? '.' : path}`), DIRECTORY);
  } catch (thrown) {
    if (isGone(thrown)) return undefined;
    throw new Error(`cannot open the directory ${displayPath(path)}`, { cause: thrown });
  }
  if (whereIs(fd) !== (path === '' ? realPath : `${realPath}/${path}`)) {
    closeSync(fd);
    return undefined;
  }
  return {
    stats: fstatSync(fd, { bigint: true }),
    at: (name) => systemPath(`/proc/self/fd/${fd}/${name}`),
    close: () => closeSync(fd),
  };
};
