import type { BigIntStats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { type BytePath, joinPath, toFs } from './byte-path.ts';
import { readVisibleNames } from './read-names.ts';

/** What tells one file from another of the same name, and a change of its rights from one of its content. */
export interface KnownEntry {
  readonly ino: number;
  /** An inode's number is given to the next file at once; when that was made, tells them apart. */
  readonly bornMs: number;
  readonly modifiedMs: number;
  readonly isDirectory: boolean;
  /** Mode and owner, in one. */
  readonly rights: string;
}

export const known = (stats: BigIntStats): KnownEntry => ({
  ino: Number(stats.ino),
  bornMs: Number(stats.birthtimeNs) / 1e6,
  modifiedMs: Number(stats.mtimeNs) / 1e6,
  isDirectory: stats.isDirectory(),
  rights: rightsOf(stats),
});

export const isSameFile = (a: KnownEntry, b: KnownEntry): boolean => a.ino === b.ino && a.bornMs === b.bornMs;

/** The same string for the same rights, so that a thousand entries share one. */
const interned = new Map<string, string>();
const rightsOf = ({ mode, uid, gid }: BigIntStats): string => {
  const text = `${(mode & 0o7777n).toString(8)} ${uid} ${gid}`;
  if (interned.size > 1000) interned.clear();
  const same = interned.get(text);
  if (same !== undefined) return same;
  interned.set(text, text);
  return text;
};

/** What is there now; undefined where nothing is. */
export const look = async (path: BytePath): Promise<KnownEntry | undefined> => {
  try {
    return known(await lstat(toFs(path), { bigint: true }));
  } catch {
    return undefined;
  }
};

const AT_ONCE = 64;

/** The entries of a directory; none where it cannot be read. */
export const snapshot = async (directory: BytePath): Promise<Map<BytePath, KnownEntry>> => {
  const entries = new Map<BytePath, KnownEntry>();
  let batch: BytePath[] = [];
  const flush = async (): Promise<void> => {
    const names = batch;
    batch = [];
    const found = await Promise.all(names.map((name) => look(joinPath(directory, name))));
    for (const [index, entry] of found.entries()) {
      const name = names[index];
      if (entry !== undefined && name !== undefined) entries.set(name, entry);
    }
  };
  try {
    for await (const name of readVisibleNames(directory)) {
      batch.push(name);
      if (batch.length === AT_ONCE) await flush();
    }
  } catch {
    // Gone, or closed to us: what happens to it, its parent tells.
  }
  await flush();
  return entries;
};
