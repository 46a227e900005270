import type { Clock } from '../base/clock.ts';
import { displayPath, type BytePath } from './byte-path.ts';
import type { Entry } from './entry.ts';
import { FOREVER, type IndexRecord } from './home-index.ts';
import type { Root } from './root.ts';
import { scanHome, type Observed } from './scan.ts';

/**
 * Looks at every name of a home that was just filled, and compares it with what it should be: a half-restored home is
 * never taken for a whole one. The answer is the index the first commit compares with, without having read a file:
 * what was written had been checked, and nobody else has written yet.
 */
export const restoredIndex = async (
  root: Root,
  entries: readonly Entry[],
  clock: Clock,
): Promise<ReadonlyMap<BytePath, IndexRecord>> => {
  const { observed, skipped } = await scanHome(root, clock);
  const inodes = new Map<number, bigint>();
  const records = new Map<BytePath, IndexRecord>();
  for (const [i, entry] of entries.entries()) {
    const seen = observed[i];
    const fault = seen === undefined ? 'is missing' : (difference(entry, seen) ?? linkFault(entry, seen, inodes));
    if (fault !== undefined) throw new Error(`restore: ${JSON.stringify(displayPath(entry.path))} ${fault}`);
    if (seen === undefined) continue;
    records.set(entry.path, { entry, inode: seen.inode, ctimeNs: seen.ctimeNs, checkedNs: FOREVER });
  }
  const extra = observed[entries.length]?.path ?? skipped[0];
  if (extra !== undefined) throw new Error(`restore: ${JSON.stringify(displayPath(extra))} should not be there`);
  return records;
};

const difference = (entry: Entry, seen: Observed): string | undefined => {
  if (entry.path !== seen.path) return `is missing, or ${JSON.stringify(displayPath(seen.path))} should not be there`;
  if (entry.type !== seen.type) return `is a ${seen.type}, not a ${entry.type}`;
  if (entry.mtimeNs !== seen.mtimeNs) return `has mtime ${seen.mtimeNs}, not ${entry.mtimeNs}`;
  if (entry.mode !== seen.mode) return `has mode ${seen.mode.toString(8)}, not ${entry.mode.toString(8)}`;
  if (entry.type === 'directory') return undefined;
  if (entry.type === 'symlink') return entry.target === seen.target ? undefined : 'has another target';
  return entry.size === seen.size ? undefined : `has ${seen.size} bytes, not ${entry.size}`;
};

const linkFault = (entry: Entry, seen: Observed, inodes: Map<number, bigint>): string | undefined => {
  if (entry.type === 'directory') return undefined;
  if (entry.link === undefined) return seen.names === 1 ? undefined : `has ${seen.names} names, not one`;
  const inode = inodes.get(entry.link);
  if (inode === undefined) inodes.set(entry.link, seen.inode);
  return inode === undefined || inode === seen.inode ? undefined : 'is not the hard link it should be';
};
