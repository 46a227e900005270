import { bootId, isDiskFull } from './state-files.ts';
import { flushFileSystem } from './flush.ts';
import { PROCESS_BUDGET, type ByteBudget } from './byte-budget.ts';
import type { Identity } from './claim.ts';
import type { CurrentHead } from './head-object.ts';
import type { HomeIndex } from './home-index.ts';
import { HomeError, type HomeOptions } from './home.ts';
import { writeJournal, type Journal } from './journal.ts';
import type { PresentObjects } from './present-objects.ts';
import { openRoot, type Root } from './root.ts';

/** What one open home has in memory. Only the operation that holds the home's turn changes it. */
export interface HomeState {
  readonly options: HomeOptions;
  readonly budget: ByteBudget;
  readonly boot: string;
  readonly present: PresentObjects;
  journal: Journal | undefined;
  /** What was stored last; undefined until it is loaded or made. */
  index: HomeIndex | undefined;
  /** HEAD's version; undefined when it must be read before it can be swapped. */
  current: CurrentHead | undefined;
  root: Root | undefined;
}

export const makeHomeState = (
  options: HomeOptions,
  found: Pick<HomeState, 'present' | 'journal' | 'index'>,
): HomeState => ({
  options,
  budget: PROCESS_BUDGET,
  boot: bootId(),
  current: undefined,
  root: undefined,
  ...found,
});

export const identityOf = ({ options, journal }: HomeState): Identity => ({
  epoch: options.epoch,
  writer: options.writer,
  lineage: requireJournal(journal).lineage,
});

export const flushHome = ({ options }: HomeState): Promise<void> => (options.flush ?? flushFileSystem)(options.state);

export const updateJournal = async (state: HomeState, change: Partial<Journal>): Promise<Journal> => {
  const next = { ...requireJournal(state.journal), ...change };
  await writeJournal(state.options.state, next);
  state.journal = next;
  return next;
};

/** As updateJournal, for what S3 knows as well: a full disk does not make it untrue, and costs a look at HEAD. */
export const rememberInJournal = async (state: HomeState, change: Partial<Journal>): Promise<void> => {
  try {
    await updateJournal(state, change);
  } catch (thrown) {
    if (!isDiskFull(thrown)) throw thrown;
    state.journal = { ...requireJournal(state.journal), ...change };
  }
};

/** The journal of a home whose files are the user's and may be committed. */
export const requireRestored = ({ journal, boot, options }: HomeState): Journal => {
  if (journal?.phase === 'restored' && !isTorn(journal, boot)) return journal;
  throw new HomeError(
    'NotRestored',
    `${options.home} is not completely restored: commit it after restore() has succeeded`,
  );
};

/** The machine went down before the restored files had reached the disk. */
export const isTorn = (journal: Journal, boot: string): boolean =>
  journal.unsyncedSince !== undefined && journal.unsyncedSince !== boot;

/** The home's directory, and no other that was put in its place: an empty one would read as "all was deleted". */
export const requireRoot = (state: HomeState): Root => {
  const root = (state.root ??= openHomeFolder(state.options.home));
  const expected = state.journal?.homeInode;
  if (expected === undefined || expected === root.inode) return root;
  root.close();
  state.root = undefined;
  throw new HomeError(
    'NotRestored',
    `${state.options.home} is not the directory that was restored: is a disk not mounted?`,
  );
};

/** Throws HomeError `NotRestored` where there is no such directory. */
export const openHomeFolder = (home: string): Root => {
  try {
    return openRoot(home);
  } catch (cause) {
    throw new HomeError('NotRestored', `cannot open the home ${home}`, cause);
  }
};

/** Throws HomeError `NotRestored` where there is none yet. */
export const requireJournal = (journal: Journal | undefined): Journal => {
  if (journal === undefined) throw new HomeError('NotRestored', 'this home was never restored: call restore() first');
  return journal;
};
