import { buildTree, type BuiltTree } from './build-tree.ts';
import type { HomeIndex } from './home-index.ts';
import { requireRoot, type HomeState } from './home-state.ts';
import type { CommitOptions } from './home.ts';
import { scanHome, type Scan } from './scan.ts';
import { fileSystemNow } from './state-files.ts';
import { makeUploads } from './uploads.ts';

export interface StoredTree extends BuiltTree {
  readonly scan: Scan;
  readonly scanMs: number;
  /** Bytes of every pack the records refer to. */
  readonly packs: ReadonlyMap<string, number>;
}

/** One scan, and every byte it found that the index does not know in the bucket. No upload outlives the call. */
export const storeTree = async (
  state: HomeState,
  index: HomeIndex,
  options: CommitOptions,
  repackFor: (scan: Scan) => ReadonlySet<string>,
): Promise<StoredTree> => {
  const { clock, store, prefix, ownerId } = state.options;
  const root = requireRoot(state);
  const start = clock.monotonic();
  const scan = await scanHome(root, clock);
  const scanMs = clock.monotonic() - start;

  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const uploads = makeUploads({ store, prefix, signal, present: state.present });
  try {
    const built = await buildTree({
      root,
      scan,
      index,
      repack: repackFor(scan),
      final: options.final === true,
      fileSystemNow: () => fileSystemNow(state.options.state),
      uploads,
      budget: state.budget,
      ownerId,
      clock,
      signal,
      onProgress: options.onProgress,
    });
    return { ...built, scan, scanMs, packs: packsOf(built, index) };
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
