import { displayPath } from './byte-path.ts';
import { MAX_LISTED, requireIndex } from './commit-home.ts';
import type { HomeIndex } from './home-index.ts';
import { updateJournal, type HomeState } from './home-state.ts';
import { HomeError } from './home.ts';
import { conflictKey } from './layout.ts';
import { encodeManifest } from './manifest.ts';
import { putManifest } from './publish.ts';
import { storeTree, type StoredTree } from './store-tree.ts';

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
  const stored = await storeQuiet(state, signal);
  const encoded = await encodeManifest({
    epoch: options.epoch,
    sequence: state.journal?.head?.sequence ?? 0,
    writer: options.writer,
    createdAt: options.clock.now(),
    parent: state.journal?.head?.manifest,
    packs: stored.packs,
    skipped: stored.scan.skipped.slice(0, MAX_LISTED).map(displayPath),
    entries: [...stored.records.values()].map(({ entry }) => entry),
  });
  const key = conflictKey(options.epoch, options.random.hex(8));
  await putManifest(state, key, encoded, signal);
  return key;
};

const storeQuiet = async (state: HomeState, signal: AbortSignal | undefined): Promise<StoredTree> => {
  const index = await knownIndex(state, signal);
  for (let scans = 1; ; scans++) {
    const stored = await storeTree(state, index, signal === undefined ? {} : { signal }, () => new Set());
    if (stored.dirty === 0 || scans === SCANS) return stored;
  }
};

/** What is known to be stored spares uploads; a fenced home may know nothing, and then stores everything. */
const knownIndex = async (state: HomeState, signal: AbortSignal | undefined): Promise<HomeIndex> => {
  if (state.journal === undefined) return NOTHING_KNOWN;
  try {
    return await requireIndex(state, signal);
  } catch (thrown) {
    if (thrown instanceof HomeError && thrown.reason === 'Fenced') return NOTHING_KNOWN;
    throw thrown;
  }
};
