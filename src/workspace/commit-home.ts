import { displayPath } from './byte-path.ts';
import { packsToRewrite } from './compaction.ts';
import { sameEntry } from './entry.ts';
import { fenced, isOurs } from './claim.ts';
import { fetchManifest } from './fetch-verified.ts';
import { summaryOf, type Head } from './head.ts';
import { readHead, type CurrentHead } from './head-object.ts';
import { isQuiet, looksChanged, UNKNOWN, type HomeIndex } from './home-index.ts';
import { identityOf, rememberInJournal, requireRestored, type HomeState } from './home-state.ts';
import { HomeError, type CommitOptions, type CommitReport } from './home.ts';
import { publish } from './publish.ts';
import { scanNow, storeTree, type ScannedHome, type StoredTree } from './store-tree.ts';

/** Scans of a final commit before it is called restless. */
const FINAL_SCANS = 4;
/** A report is for people: it lists so many names. */
const MAX_LISTED = 100;

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
  const known = await knownHead(state, index, options.signal);
  const scanned = await scanNow(state);
  const { observed, unsettled } = scanned.scan;
  const isCurrent = known.manifest === index.manifest;
  const quiet = { nowNs: scanned.fileSystemNow, final: options.final === true };
  if (isCurrent && unsettled === 0 && isQuiet(index, observed, quiet)) return report(scanned, 0, known, false);

  const repack: ReadonlySet<string> = looksChanged(index, observed) ? packsToRewrite(index) : new Set();
  const stored = await storeTree(state, index, scanned, repack, options);
  if (isCurrent && isSameTree(index, stored)) {
    state.index = { ...index, records: stored.records, packs: stored.packs };
    return report(scanned, stored.dirty, known, false);
  }
  const requireHead = (): Promise<CurrentHead> => requireCurrent(state, options.signal);
  const { head } = await publish(state, stored, scanned.scan, requireHead, options.signal);
  return report(scanned, stored.dirty, head, true);
};

const report = ({ scan, scanMs }: ScannedHome, dirty: number, head: Head, committed: boolean): CommitReport => ({
  head: summaryOf(head),
  committed,
  dirty,
  skipped: scan.skipped.slice(0, MAX_LISTED).map(displayPath),
  skippedTotal: scan.skipped.length,
  scanMs,
});

/** HEAD as it is known to be, without asking; only an index that is ahead of it may have become HEAD unseen. */
const knownHead = async (state: HomeState, index: HomeIndex, signal: AbortSignal | undefined): Promise<Head> => {
  if (state.current !== undefined) return state.current.head;
  const head = state.journal?.head;
  return head !== undefined && head.manifest === index.manifest ? head : (await requireCurrent(state, signal)).head;
};

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
export const requireCurrent = async (state: HomeState, signal: AbortSignal | undefined): Promise<CurrentHead> => {
  if (state.current !== undefined) return state.current;
  const identity = identityOf(state);
  const current = await readHead(state.options, signal);
  if (current === undefined || !isOurs(current.head, identity)) {
    const error = fenced(current?.head, identity);
    await rememberInJournal(state, { fenced: error.message });
    throw error;
  }
  if (current.head.nonce !== state.journal?.head?.nonce) await rememberInJournal(state, { head: current.head });
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
