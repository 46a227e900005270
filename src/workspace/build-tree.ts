import type { Clock } from '../base/clock.ts';
import type { ByteBudget } from './byte-budget.ts';
import { parentPath, type BytePath } from './byte-path.ts';
import { PACKED_BELOW, type Entry } from './entry.ts';
import { FOREVER, knownContents, mustRead, UNKNOWN, type HomeIndex, type IndexRecord } from './home-index.ts';
import type { Progress } from './home.ts';
import { linkGroups } from './link-groups.ts';
import { makePackWriter } from './pack-writer.ts';
import type { Directory, Root } from './root.ts';
import type { Observed, Scan } from './scan.ts';
import { makeFileStorer, type FileStorer, type StoredFile } from './store-file.ts';
import { makeTurns } from './turns.ts';
import type { Uploads } from './uploads.ts';

export interface BuildOptions {
  readonly root: Root;
  readonly scan: Scan;
  readonly index: HomeIndex;
  /** Packs whose files are read and packed anew. */
  readonly repack: ReadonlySet<string>;
  readonly final: boolean;
  /** The file system's own time at its first call: what changes later has a later ctime. Always the same answer. */
  readonly fileSystemNow: () => bigint;
  readonly uploads: Uploads;
  readonly budget: ByteBudget;
  readonly ownerId: number;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

export interface BuiltTree {
  /** Sorted; the tree and how each of its files looked when it was read. All contents are in the bucket. */
  readonly records: ReadonlyMap<BytePath, IndexRecord>;
  readonly newPacks: ReadonlyMap<string, number>;
  /** Names that may have changed since, or could not be read at this moment. */
  readonly dirty: number;
}

/** From a scan to a tree whose every byte is stored: unchanged files keep their place, the others are read. */
export const buildTree = async (options: BuildOptions): Promise<BuiltTree> => {
  const { scan, index, signal, uploads } = options;
  const checkedNs = options.fileSystemNow;
  const groups = linkGroups(scan.observed);
  const toRead = scan.observed.filter(
    (seen) => seen.type === 'file' && groups.isLeader(seen) && needsReading(seen, options, checkedNs),
  );
  // Before anything is read: what changes after this moment has a ctime that tells.
  if (toRead.length > 0) checkedNs();

  const small = toRead.filter(({ size }) => size < PACKED_BELOW);
  const packs = makePackWriter({
    ...options,
    expected: { files: small.length, bytes: small.reduce((sum, { size }) => sum + size, 0) },
  });
  const known = knownContents(index, options.repack);
  const storer = makeFileStorer({ ...options, known, packs });
  try {
    const stored = await readAll(toRead, storer, options);
    packs.finish();
    await uploads.finish();
    signal?.throwIfAborted();
    return assemble(options, groups, stored, checkedNs, packs.packs);
  } finally {
    packs.abandon();
  }
};

const needsReading = (seen: Observed, options: BuildOptions, nowNs: () => bigint): boolean => {
  const record = options.index.records.get(seen.path);
  if (mustRead(record, seen, { nowNs, final: options.final })) return true;
  const content = record?.entry.type === 'file' ? record.entry.content : undefined;
  return content?.kind === 'packed' && options.repack.has(content.pack);
};

const readAll = async (
  toRead: readonly Observed[],
  storer: FileStorer,
  { root, clock, signal, onProgress }: BuildOptions,
): Promise<ReadonlyMap<BytePath, StoredFile | 'gone' | 'busy'>> => {
  const stored = new Map<BytePath, StoredFile | 'gone' | 'busy'>();
  const bytesTotal = toRead.reduce((sum, { size }) => sum + size, 0);
  const turn = makeTurns(clock);
  let bytesDone = 0;
  let directory: { readonly path: BytePath; readonly open: Directory | undefined } | undefined;
  try {
    for (const seen of toRead) {
      signal?.throwIfAborted();
      const folder = parentPath(seen.path) ?? '';
      if (directory?.path !== folder) {
        directory?.open?.close();
        directory = { path: folder, open: root.openDirectory(folder) };
      }
      stored.set(seen.path, directory.open === undefined ? 'gone' : await storer.store(directory.open, seen));
      bytesDone += seen.size;
      onProgress?.({ filesDone: stored.size, filesTotal: toRead.length, bytesDone, bytesTotal });
      await turn();
    }
    return stored;
  } finally {
    directory?.open?.close();
  }
};

const assemble = (
  { scan, index }: BuildOptions,
  groups: ReturnType<typeof linkGroups>,
  stored: ReadonlyMap<BytePath, StoredFile | 'gone' | 'busy'>,
  checkedNs: () => bigint,
  newPacks: ReadonlyMap<string, number>,
): BuiltTree => {
  const records = new Map<BytePath, IndexRecord>();
  let dirty = scan.unsettled;
  for (const seen of scan.observed) {
    const before = index.records.get(seen.path);
    const leader = groups.leaderOf(seen);
    if (leader !== undefined && leader !== seen.path) {
      const first = records.get(leader);
      if (first !== undefined) records.set(seen.path, { ...first, entry: { ...first.entry, path: seen.path } });
      else if (before?.entry.type === 'file') records.set(seen.path, forget(before));
      continue;
    }
    const read = stored.get(seen.path);
    if (read === 'gone' || read === 'busy') {
      // What is in the bucket stays there until a scan has seen that it is gone, or what it has become.
      dirty += 1;
      if (before?.entry.type === 'file') records.set(seen.path, forget(before));
      continue;
    }
    if (read !== undefined && !read.stable) dirty += 1;
    const record = read === undefined ? kept(seen, before) : fresh(read, checkedNs());
    records.set(seen.path, { ...record, entry: withGroup(record.entry, groups.numberOf(seen)) });
  }
  return { records, newPacks, dirty };
};

const forget = (record: IndexRecord): IndexRecord => ({
  ...record,
  ctimeNs: UNKNOWN,
  entry: withGroup(record.entry, undefined),
});

const fresh = ({ seen, content, stable }: StoredFile, checkedNs: bigint): IndexRecord => ({
  inode: seen.inode,
  ctimeNs: stable ? seen.ctimeNs : UNKNOWN,
  checkedNs,
  entry: {
    type: 'file',
    path: seen.path,
    mode: seen.mode,
    mtimeNs: seen.mtimeNs,
    size: seen.size,
    content: content(),
  },
});

/** A directory or a symlink, which the scan has seen whole, or a file that is as it was. */
const kept = (seen: Observed, before: IndexRecord | undefined): IndexRecord => {
  const { path, mode, mtimeNs, inode, ctimeNs } = seen;
  if (seen.type === 'directory')
    return { inode, ctimeNs, checkedNs: FOREVER, entry: { type: 'directory', path, mode, mtimeNs } };
  if (seen.type === 'symlink') {
    const entry = { type: 'symlink', path, mode, mtimeNs, target: seen.target ?? '' } as const;
    return { inode, ctimeNs, checkedNs: FOREVER, entry };
  }
  if (before === undefined) throw new Error(`${path} was neither read nor known`);
  return before;
};

const withGroup = (entry: Entry, link: number | undefined): Entry => {
  if (entry.type === 'directory') return entry;
  const { link: _link, ...rest } = entry;
  return link === undefined ? rest : { ...rest, link };
};
