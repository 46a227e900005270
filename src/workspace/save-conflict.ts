import { displayPath, type BytePath } from './byte-path.ts';
import { requireIndex } from './commit-home.ts';
import type { HomeIndex } from './home-index.ts';
import { updateJournal, type HomeState } from './home-state.ts';
import { readHead } from './head-object.ts';
import { HomeError, isHomeError } from './home.ts';
import { conflictKey } from './layout.ts';
import { encodeManifest } from './manifest.ts';
import { putManifest } from './publish.ts';
import { scanNow, storeTree, type StoredTree } from './store-tree.ts';

/** A busy home is stored as it was seen at the last of so many scans. */
const SCANS = 3;
const NOTHING_KNOWN: HomeIndex = { manifest: undefined, records: new Map(), packs: new Map() };

/** See home.ts. The second call answers as the first did. */
export const saveConflict = async (state: HomeState, signal: AbortSignal | undefined): Promise<string> => {
  const { journal } = state;
  if (journal?.conflict !== undefined) return journal.conflict;
  if (journal?.phase === 'restoring') {
    throw new HomeError(
      'NotRestored',
      `${state.options.home} was never completely restored: nothing in it is the user's`,
    );
  }
  const key = await storeConflict(state, signal);
  if (journal !== undefined) await updateJournal(state, { conflict: key });
  return key;
};

/** Stores the home, whatever HEAD is, in a manifest of its own, and gives its key. */
export const storeConflict = async (state: HomeState, signal: AbortSignal | undefined): Promise<string> => {
  const { options } = state;
  const { stored, skipped } = await storeQuiet(state, signal);
  const encoded = await encodeManifest({
    epoch: options.epoch,
    sequence: state.journal?.head?.sequence ?? 0,
    writer: options.writer,
    createdAt: options.clock.now(),
    parent: state.journal?.head?.manifest,
    packs: stored.packs,
    skipped: skipped.map(displayPath),
    entries: [...stored.records.values()].map(({ entry }) => entry),
  });
  const key = conflictKey(options.epoch, options.random.hex(8));
  await putManifest(state, key, encoded, signal);
  return key;
};

interface QuietTree {
  readonly stored: StoredTree;
  readonly skipped: readonly BytePath[];
}

const storeQuiet = async (state: HomeState, signal: AbortSignal | undefined): Promise<QuietTree> => {
  const index = await knownIndex(state, signal);
  for (let scans = 1; ; scans++) {
    const scanned = await scanNow(state);
    const stored = await storeTree(state, index, scanned, new Set(), signal === undefined ? {} : { signal });
    if (stored.dirty === 0 || scans === SCANS) return { stored, skipped: scanned.scan.skipped };
  }
};

/**
 * What is known to be stored spares uploads. Where there is no HEAD any more, this is not the bucket that the index
 * speaks of, or it was emptied: then everything is stored.
 */
const knownIndex = async (state: HomeState, signal: AbortSignal | undefined): Promise<HomeIndex> => {
  if (state.journal === undefined) return NOTHING_KNOWN;
  if ((await readHead(state.options, signal)) === undefined) {
    state.present.clear();
    return NOTHING_KNOWN;
  }
  try {
    return await requireIndex(state, signal);
  } catch (thrown) {
    if (isHomeError(thrown, 'Fenced')) return NOTHING_KNOWN;
    throw thrown;
  }
};
