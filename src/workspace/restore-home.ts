import { claimHead } from './claim.ts';
import { requireCurrent } from './commit-home.ts';
import { emptyFolder, isEmptyFolder, makeHomeFolder } from './empty-folder.ts';
import { fetchManifest } from './fetch-verified.ts';
import { summaryOf, type Head } from './head.ts';
import { identityOf, isTorn, requireJournal, requireRoot, updateJournal, type HomeState } from './home-state.ts';
import { FOREVER, type HomeIndex } from './home-index.ts';
import { HomeError, type RestoreOptions, type RestoreReport, type RestoreRequest } from './home.ts';
import { saveIndex } from './index-file.ts';
import { writeJournal, type Journal } from './journal.ts';
import type { Manifest } from './manifest.ts';
import { publish } from './publish.ts';
import { isPending, orRefuse, requestedCommit } from './restore-request.ts';
import { restoredIndex } from './restored-index.ts';
import { restoreTree } from './restore-tree.ts';
import { scanHome } from './scan.ts';
import { storeConflict } from './save-conflict.ts';

/** See home.ts and the phases in journal.ts. */
export const restoreHome = async (state: HomeState, options: RestoreOptions): Promise<RestoreReport> => {
  const { journal } = state;
  if (journal?.fenced !== undefined) throw new HomeError('Fenced', journal.fenced);
  if (journal?.phase === 'restored' && journal.head !== undefined && !isTorn(journal, state.boot)) {
    return { head: summaryOf(journal.head), resumed: true };
  }
  const setAside = journal?.phase === 'restored' ? await putTornAside(state, options) : undefined;
  if (state.journal === undefined) await begin(state);
  const head = await fill(state, options);
  return { head: summaryOf(head), resumed: false, ...(setAside === undefined ? {} : { setAside }) };
};

/** Writes the journal that allows this directory to be emptied: only while there is nothing in it. */
const begin = async (state: HomeState): Promise<void> => {
  const { home, ownerId, epoch, store, prefix, random } = state.options;
  await makeHomeFolder(home, ownerId);
  if (!(await isEmptyFolder(home))) {
    throw new HomeError(
      'NotRestored',
      `${home} holds files, and ${state.options.state} says nothing of them: save them with saveConflict(), or move them away`,
    );
  }
  const journal: Journal = {
    epoch,
    bucket: store.name,
    prefix,
    lineage: random.hex(8),
    phase: 'restoring',
    head: undefined,
    unsyncedSince: undefined,
    homeInode: undefined,
    fenced: undefined,
    conflict: undefined,
  };
  await writeJournal(state.options.state, journal);
  state.journal = journal;
};

const putTornAside = async (state: HomeState, options: RestoreOptions): Promise<string> => {
  const key = await storeConflict(state, options.signal);
  await updateJournal(state, { phase: 'restoring' });
  return key;
};

const fill = async (state: HomeState, options: RestoreOptions): Promise<Head> => {
  const { home, ownerId } = state.options;
  state.current = await claimHead(state.options, identityOf(state), options.signal);
  const { head } = state.current;
  // Not written down: a start waits for each write, and whoever finds a journal that is restoring asks HEAD again.
  state.journal = { ...requireJournal(state.journal), head, homeInode: undefined };
  await makeHomeFolder(home, ownerId);
  await emptyFolder(home);
  state.root?.close();
  state.root = undefined;
  const request = await options.request;
  const filled = isPending(request, head)
    ? await goBack(state, head, request, options)
    : await fillFromHead(state, head, options);
  await updateJournal(state, {
    phase: 'restored',
    homeInode: requireRoot(state).inode,
    unsyncedSince: state.boot,
  });
  return filled;
};

const fillFromHead = async (state: HomeState, head: Head, options: RestoreOptions): Promise<Head> => {
  if (head.manifest === undefined || head.manifestSha256 === undefined) {
    state.index = await emptyIndex(state);
    return head;
  }
  const { manifest, encoded } = await fetchManifest(state.options, head.manifest, head.manifestSha256, options.signal);
  const records = await writeTree(state, manifest, options);
  await saveIndex(state.options.state, head.manifest, encoded, records, state.boot);
  state.index = { manifest: head.manifest, records, packs: manifest.packs };
  return head;
};

/** See ./restore-request.ts. */
const goBack = async (
  state: HomeState,
  head: Head,
  request: RestoreRequest,
  options: RestoreOptions,
): Promise<Head> => {
  const { signal } = options;
  const { key, manifest } = await requestedCommit(state.options, request, head, signal);
  const records = await orRefuse(request, () => writeTree(state, manifest, options));
  const { requestId } = request;
  const restored = { requestId, manifest: key, sequence: manifest.sequence, at: state.options.clock.now() };
  const tree = { records, packs: manifest.packs };
  return (await publish(state, tree, { restored }, () => requireCurrent(state, signal), signal)).head;
};

const writeTree = async (
  state: HomeState,
  manifest: Manifest,
  { signal, onProgress }: RestoreOptions,
): Promise<HomeIndex['records']> => {
  const { home, ownerId, clock } = state.options;
  await restoreTree(state.options, { manifest, folder: home, ownerId, budget: state.budget, signal, onProgress });
  return restoredIndex(requireRoot(state), manifest.entries, clock);
};

const emptyIndex = async (state: HomeState): Promise<HomeIndex> => {
  const { observed } = await scanHome(requireRoot(state), state.options.clock);
  const records = observed.map(({ path, mode, mtimeNs, inode, ctimeNs }) => {
    const entry = { type: 'directory', path, mode, mtimeNs } as const;
    return [path, { entry, inode, ctimeNs, checkedNs: FOREVER }] as const;
  });
  return { manifest: undefined, records: new Map(records), packs: new Map() };
};
