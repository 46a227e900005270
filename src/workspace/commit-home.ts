import { displayPath } from './byte-path.ts';
import { packsToRewrite } from './compaction.ts';
import { sameEntry } from './entry.ts';
import { fenced, isOurs } from './claim.ts';
import { fetchManifest } from './fetch-verified.ts';
import { summaryOf } from './head.ts';
import { readHead, type CurrentHead } from './head-object.ts';
import { looksChanged, UNKNOWN, type HomeIndex } from './home-index.ts';
import { identityOf, requireRestored, updateJournal, type HomeState } from './home-state.ts';
import { HomeError, type CommitOptions, type CommitReport } from './home.ts';
import { publish } from './publish.ts';
import { storeTree, type StoredTree } from './store-tree.ts';

/** Scans of a final commit before it is called restless. */
const FINAL_SCANS = 4;
/** A report is for people: it lists so many names. */
export const MAX_LISTED = 100;

/** One commit; a final one repeats until a scan finds nothing that changed under it. See home.ts. */
export const commitHome = async (state: HomeState, options: CommitOptions): Promise<CommitReport> => {
  const journal = requireRestored(state);
  if (journal.fenced !== undefined) throw new HomeError('Fenced', journal.fenced);
  let committed = false;
  for (let scans = 1; ; scans++) {
    const report = await commitOnce(state, options);
    committed ||= report.committed;
    if (options.final !== true || report.dirty === 0) return { ...report, committed };
    if (scans === FINAL_SCANS) {
      throw new HomeError(
        'NotQuiet',
        `${state.options.home} still changes: ${report.dirty} names at the last of ${scans} scans`,
      );
    }
  }
};

const commitOnce = async (state: HomeState, options: CommitOptions): Promise<CommitReport> => {
  const index = await requireIndex(state, options.signal);
  const stored = await storeTree(state, index, options, ({ observed }) =>
    looksChanged(index, observed) ? packsToRewrite(index) : new Set(),
  );
  const known = state.current?.head ?? state.journal?.head;
  if (known !== undefined && known.manifest === index.manifest && isSameTree(index, stored)) {
    state.index = { ...index, records: stored.records, packs: stored.packs };
    return report(stored, known, false);
  }
  const current = await publish(state, stored, () => requireCurrent(state, options.signal), options.signal);
  return report(stored, current.head, true);
};

const report = (stored: StoredTree, head: Parameters<typeof summaryOf>[0], committed: boolean): CommitReport => ({
  head: summaryOf(head),
  committed,
  dirty: stored.dirty,
  skipped: stored.scan.skipped.slice(0, MAX_LISTED).map(displayPath),
  skippedTotal: stored.scan.skipped.length,
  scanMs: stored.scanMs,
});

/** A home that is empty as it was when its workspace was created has nothing to commit. */
const isSameTree = (index: HomeIndex, { records }: StoredTree): boolean => {
  if (index.manifest === undefined && records.size === 1) return true;
  if (index.records.size !== records.size) return false;
  for (const [path, { entry }] of records) {
    const before = index.records.get(path);
    if (before === undefined || !sameEntry(before.entry, entry)) return false;
  }
  return true;
};

/** HEAD's version, read anew where it is not certain. Throws HomeError `Fenced`, for good, when it is not ours. */
const requireCurrent = async (state: HomeState, signal: AbortSignal | undefined): Promise<CurrentHead> => {
  if (state.current !== undefined) return state.current;
  const identity = identityOf(state);
  const current = await readHead(state.options, signal);
  if (current === undefined || !isOurs(current.head, identity)) {
    const error = fenced(current?.head, identity);
    await updateJournal(state, { fenced: error.message });
    throw error;
  }
  state.current = current;
  return current;
};

/** Where the index is lost, HEAD's manifest says what is stored, and every file is read to find out which is which. */
export const requireIndex = async (state: HomeState, signal: AbortSignal | undefined): Promise<HomeIndex> => {
  if (state.index !== undefined) return state.index;
  const { head } = await requireCurrent(state, signal);
  state.index = await indexOfHead(state, head, signal);
  return state.index;
};

const indexOfHead = async (
  { options }: HomeState,
  { manifest, manifestSha256 }: CurrentHead['head'],
  signal: AbortSignal | undefined,
): Promise<HomeIndex> => {
  if (manifest === undefined || manifestSha256 === undefined) {
    return { manifest: undefined, records: new Map(), packs: new Map() };
  }
  const { manifest: tree } = await fetchManifest(options, manifest, manifestSha256, signal);
  const records = tree.entries.map(
    (entry) => [entry.path, { entry, inode: 0n, ctimeNs: UNKNOWN, checkedNs: 0n }] as const,
  );
  return { manifest, records: new Map(records), packs: tree.packs };
};
