import { buildTree, type BuiltTree } from './build-tree.ts';
import { makeExcludes } from './excludes.ts';
import type { HomeIndex } from './home-index.ts';
import { requireRoot, type HomeState } from './home-state.ts';
import type { CommitOptions } from './home.ts';
import { scanHome, type Scan } from './scan.ts';
import { fileSystemNow } from './state-files.ts';
import { makeUploads } from './uploads.ts';

export interface ScannedHome {
  readonly scan: Scan;
  readonly scanMs: number;
  /** The file system's own time at its first call. What changes after it has a later ctime. */
  readonly fileSystemNow: () => bigint;
}

export interface StoredTree extends BuiltTree {
  /** Bytes of every pack the records refer to. */
  readonly packs: ReadonlyMap<string, number>;
}

export const scanNow = async (state: HomeState): Promise<ScannedHome> => {
  const { clock, excludes = [] } = state.options;
  const start = clock.monotonic();
  const scan = await scanHome(requireRoot(state), clock, makeExcludes(excludes));
  return { scan, scanMs: clock.monotonic() - start, fileSystemNow: once(() => fileSystemNow(state.options.state)) };
};

/** Puts every byte of a scan that the index does not know into the bucket. No upload outlives the call. */
export const storeTree = async (
  state: HomeState,
  index: HomeIndex,
  scanned: ScannedHome,
  repack: ReadonlySet<string>,
  options: CommitOptions,
): Promise<StoredTree> => {
  const { clock, store, prefix, ownerId } = state.options;
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const uploads = makeUploads({ store, prefix, signal, present: state.present });
  try {
    const built = await buildTree({
      ...scanned,
      root: requireRoot(state),
      index,
      repack,
      final: options.final === true,
      uploads,
      budget: state.budget,
      ownerId,
      clock,
      signal,
      onProgress: options.onProgress,
    });
    return { ...built, packs: packsOf(built, index) };
  } catch (thrown) {
    stop.abort(thrown);
    await uploads.finish().catch(() => undefined);
    throw thrown;
  }
};

const packsOf = ({ records, newPacks }: BuiltTree, index: HomeIndex): ReadonlyMap<string, number> => {
  const packs = new Map<string, number>();
  for (const { entry } of records.values()) {
    if (entry.type !== 'file' || entry.content.kind !== 'packed') continue;
    const { pack } = entry.content;
    packs.set(pack, newPacks.get(pack) ?? index.packs.get(pack) ?? 0);
  }
  return packs;
};

const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
};
