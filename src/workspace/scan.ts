import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { comparePaths, joinPath, MAX_PATH_BYTES, parentPath, type BytePath } from './byte-path.ts';
import type { IsExcluded } from './excludes.ts';
import { HomeError } from './home.ts';
import { errorCode, isGone, type Directory, type Root } from './root.ts';
import { makeTurns } from './turns.ts';

/** One name as a scan saw it. */
export interface Observed {
  readonly path: BytePath;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly inode: bigint;
  readonly names: number;
  /** Of a symlink: raw bytes. */
  readonly target: string | undefined;
}

export interface Scan {
  /** Sorted by bytes: a directory comes before what it holds. The first is the home itself. */
  readonly observed: readonly Observed[];
  /** What is neither file, directory nor symlink, is on another file system, or has too long a path. */
  readonly skipped: readonly BytePath[];
  /** Directories that still changed after the last round: something may have moved past the scan. */
  readonly unsettled: number;
}

interface Listing {
  readonly self: Observed;
  readonly children: readonly Observed[];
  readonly skipped: readonly BytePath[];
}

/**
 * A directory that changed after it was listed is listed again: a file moved from a directory not yet read into one
 * already read would be missing from the commit although it existed all the time. Two more rounds settle all but a
 * home in which directories change without pause.
 */
const ROUNDS = 3;

/**
 * Walks the whole home, but for what is excluded. Only what vanished in between counts as gone; any other error ends the
 * scan with it.
 */
export const scanHome = async (root: Root, clock: Clock, isExcluded: IsExcluded = () => false): Promise<Scan> => {
  const listings = new Map<BytePath, Listing>();
  const turn = makeTurns(clock);
  let pending: BytePath[] = [''];
  for (let round = 0; round < ROUNDS && pending.length > 0; round++) {
    await listAll(root, listings, pending, isExcluded, turn);
    pending = await changedSince(root, listings, turn);
  }
  return collect(listings, pending.length);
};

const listAll = async (
  root: Root,
  listings: Map<BytePath, Listing>,
  pending: readonly BytePath[],
  isExcluded: IsExcluded,
  turn: () => Promise<void> | undefined,
): Promise<void> => {
  const stack = [...pending];
  for (let path = stack.pop(); path !== undefined; path = stack.pop()) {
    const listing = list(root, path, isExcluded);
    if (listing === undefined) {
      listings.delete(path);
      continue;
    }
    listings.set(path, listing);
    for (const child of listing.children) {
      if (child.type === 'directory' && listings.get(child.path)?.self.inode !== child.inode) stack.push(child.path);
    }
    await turn();
  }
};

const list = (root: Root, path: BytePath, isExcluded: IsExcluded): Listing | undefined => {
  const directory = root.openDirectory(path);
  if (directory === undefined) return undefined;
  try {
    const children: Observed[] = [];
    const skipped: BytePath[] = [];
    for (const name of readdirSync(directory.at('.'), { encoding: 'latin1' })) {
      const below = joinPath(path, name);
      const seen = below.length > MAX_PATH_BYTES ? 'skipped' : look(directory, name, below, root.device);
      if (seen === 'skipped') skipped.push(below);
      else if (seen !== 'gone' && !isExcluded(name, seen.type)) children.push(seen);
    }
    return { self: observe(path, 'directory', directory.stats, undefined), children, skipped };
  } catch (thrown) {
    if (isGone(thrown)) return undefined;
    throw thrown;
  } finally {
    directory.close();
  }
};

const look = (directory: Directory, name: BytePath, path: BytePath, device: bigint): Observed | 'skipped' | 'gone' => {
  try {
    const stats = lstatSync(directory.at(name), { bigint: true });
    if (stats.dev !== device) return 'skipped';
    if (stats.isFile()) return observe(path, 'file', stats, undefined);
    if (stats.isDirectory()) return observe(path, 'directory', stats, undefined);
    if (!stats.isSymbolicLink()) return 'skipped';
    return observe(path, 'symlink', stats, readlinkSync(directory.at(name), { encoding: 'latin1' }));
  } catch (thrown) {
    // EINVAL: no symlink any more when its target was read.
    if (isGone(thrown) || errorCode(thrown) === 'EINVAL') return 'gone';
    throw thrown;
  }
};

export const observe = (
  path: BytePath,
  type: Observed['type'],
  stats: BigIntStats,
  target: string | undefined,
): Observed => ({
  path,
  type,
  mode: Number(stats.mode & 0o7777n),
  size: Number(stats.size),
  mtimeNs: stats.mtimeNs,
  ctimeNs: stats.ctimeNs,
  inode: stats.ino,
  names: Number(stats.nlink),
  target,
});

/** The directories to list again: changed, or the parent of one that is not there any more. */
const changedSince = async (
  root: Root,
  listings: ReadonlyMap<BytePath, Listing>,
  turn: () => Promise<void> | undefined,
): Promise<BytePath[]> => {
  const changed = new Set<BytePath>();
  for (const path of reachable(listings)) {
    const listed = listings.get(path)?.self;
    const directory = root.openDirectory(path);
    if (directory === undefined) changed.add(parentPath(path) ?? '');
    else if (directory.stats.ctimeNs !== listed?.ctimeNs || directory.stats.ino !== listed.inode) changed.add(path);
    directory?.close();
    await turn();
  }
  return [...changed];
};

/** The directories that hang together from the root: what was moved away leaves its old listing behind. */
const reachable = (listings: ReadonlyMap<BytePath, Listing>): readonly BytePath[] => {
  const found: BytePath[] = [''];
  for (let i = 0; i < found.length; i++) {
    for (const child of listings.get(found[i] ?? '')?.children ?? []) {
      if (child.type === 'directory') found.push(child.path);
    }
  }
  return found;
};

const collect = (listings: ReadonlyMap<BytePath, Listing>, unsettled: number): Scan => {
  // An empty answer would be published as "everything was deleted".
  if (!listings.has('')) throw new HomeError('NotRestored', 'the home directory is gone or was replaced');
  const observed: Observed[] = [];
  const skipped: BytePath[] = [];
  for (const path of reachable(listings)) {
    const listing = listings.get(path);
    if (listing === undefined) continue;
    observed.push(listing.self, ...listing.children.filter((child) => child.type !== 'directory'));
    skipped.push(...listing.skipped);
  }
  return { observed: observed.sort(comparePaths), skipped: skipped.sort(), unsettled };
};
