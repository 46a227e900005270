import type { BytePath } from './byte-path.ts';
import type { Content, Entry } from './entry.ts';
import type { Observed } from './scan.ts';

/**
 * What is known of one name: the entry whose content is in the bucket, and how the file looked when it was read.
 * `checkedNs` is the file system's own time just before that; a file that is certain for another reason has FOREVER.
 */
export interface IndexRecord {
  readonly entry: Entry;
  readonly inode: bigint;
  readonly ctimeNs: bigint;
  readonly checkedNs: bigint;
}

/** The state that was last stored: all its contents are in the bucket, whether or not HEAD names it. */
export interface HomeIndex {
  /** Key of its manifest below the prefix; undefined for a workspace that nothing was committed to. */
  readonly manifest: string | undefined;
  readonly records: ReadonlyMap<BytePath, IndexRecord>;
  /** Bytes of every pack the records refer to. */
  readonly packs: ReadonlyMap<string, number>;
}

export const FOREVER = 1n << 62n;
/** In a record: nothing is known of the file, read it. */
export const UNKNOWN = -1n;

/**
 * Two writes within one tick of the kernel's clock (at most 10 ms) leave the same ctime: what was read so soon after
 * its last change may have changed again unseen. Git calls it racily clean.
 */
const TICK_NS = 100_000_000n;
/**
 * A store through a shared mapping changes the ctime only when the page was clean before; the kernel cleans pages
 * after 30 s at the latest (dirty_expire_centisecs, and 5 s for the flusher to come by).
 */
const MAPPED_NS = 40_000_000_000n;

/**
 * True when the file must be read to know its content. ctime is trusted, for nobody can set it; mtime and size are
 * not. `nowNs` is the file system's time. A `final` scan reads again whatever may have been mapped.
 */
export const mustRead = (
  record: IndexRecord | undefined,
  seen: Observed,
  now: { readonly nowNs: () => bigint; readonly final: boolean },
): boolean => {
  if (record === undefined || record.entry.type !== 'file' || !unchanged(record, seen)) return true;
  const age = record.checkedNs - record.ctimeNs;
  if (age >= MAPPED_NS) return false;
  return age < TICK_NS || now.final || now.nowNs() - record.ctimeNs >= MAPPED_NS;
};

const unchanged = (record: IndexRecord, seen: Observed): boolean => {
  const { entry } = record;
  return (
    entry.type === 'file' &&
    record.ctimeNs === seen.ctimeNs &&
    record.inode === seen.inode &&
    entry.size === seen.size &&
    entry.mtimeNs === seen.mtimeNs &&
    entry.mode === seen.mode
  );
};

/** True when a scan saw something that will be a commit: a cheap look, before anything is read. */
export const looksChanged = (index: HomeIndex, observed: readonly Observed[]): boolean =>
  observed.length !== index.records.size ||
  observed.some((seen) => {
    const record = index.records.get(seen.path);
    if (record === undefined) return true;
    if (seen.type === 'file') return !unchanged(record, seen);
    const { entry } = record;
    if (entry.type !== seen.type || entry.mode !== seen.mode || entry.mtimeNs !== seen.mtimeNs) return true;
    return entry.type === 'symlink' && entry.target !== seen.target;
  });

/** True when a scan needs no reading and is no commit: what a home that rests costs. */
export const isQuiet = (
  index: HomeIndex,
  observed: readonly Observed[],
  now: { readonly nowNs: () => bigint; readonly final: boolean },
): boolean =>
  !looksChanged(index, observed) &&
  observed.every((seen) => seen.type !== 'file' || !mustRead(index.records.get(seen.path), seen, now));

/** Contents in the bucket, by hash: a renamed or copied file, and one whose index was lost, uploads nothing. */
export interface Known {
  readonly packed: (sha256: string) => Content | undefined;
  readonly blob: (sha256: string) => boolean;
}

/** `without`: packs that nothing may be put into any more, because they are being rewritten. */
export const knownContents = (index: HomeIndex, without: ReadonlySet<string>): Known => {
  const packed = new Map<string, Content>();
  const blobs = new Set<string>();
  for (const { entry } of index.records.values()) {
    if (entry.type !== 'file') continue;
    const { content } = entry;
    if (content.kind === 'packed' && !without.has(content.pack)) packed.set(content.sha256, content);
    if (content.kind === 'blobs') for (const blob of content.blobs) if (typeof blob === 'string') blobs.add(blob);
  }
  return { packed: (sha256) => packed.get(sha256), blob: (sha256) => blobs.has(sha256) };
};
