import { commitHome } from './commit-home.ts';
import { makeHomeState, updateJournal, flushHome, type HomeState } from './home-state.ts';
import { HomeError, isHomeError, type Home, type HomeOptions } from './home.ts';
import { loadIndex } from './index-file.ts';
import { readJournal, requireSameWorkspace } from './journal.ts';
import { isStoreError, StoreError } from './object-store.ts';
import { openPresentObjects } from './present-objects.ts';
import { restoreHome } from './restore-home.ts';
import { saveConflict } from './save-conflict.ts';
import { bootId, fileSystemNow, isDiskFull, makeStateFolder } from './state-files.ts';

/**
 * Opens a home: reads its journal and index, creates its state directory, sends nothing. For callers:
 * - One process may have a home open at a time. The operations of one home wait for each other.
 * - `restore()` must have succeeded before `commit()`; after a restart it answers at once from the journal, without S3.
 * - Every operation may be repeated after any error but `Fenced`, and goes on where it ended.
 * - `home` is created if need be; it must be empty the first time, and must stay the same directory (its inode is
 *   remembered): bind-mount it, do not replace it.
 * - `commit()` never follows what the agent may have put in its way, and can run while the agent writes. `restore()`
 *   must run while nobody else can write to the home.
 * - Stored bytes are bounded for all homes of a process together (byte-budget.ts).
 * - An operation whose signal is aborted ends with StoreError `Aborted`, unless it had failed or succeeded before.
 * Throws HomeError `Corrupt` for a journal that cannot be read, `NotRestored` for one of another epoch or workspace.
 */
export const openHome = async (options: HomeOptions): Promise<Home> => {
  await makeStateFolder(options.state);
  const journal = readJournal(options.state);
  requireSameWorkspace(options.state, journal, options);
  if (journal !== undefined && journal.epoch !== options.epoch) {
    const message = `the state directory ${options.state} belongs to epoch ${journal.epoch}, not to epoch ${options.epoch}`;
    throw new HomeError('NotRestored', message);
  }
  const state = makeHomeState(options, {
    journal,
    index: await loadIndex(options.state, bootId()),
    present: openPresentObjects(options.state),
  });
  // Exists from now on: a full disk has no room for it later.
  fileSystemNow(options.state);
  const inTurn = makeTurnTaker();
  let settling: Promise<void> = Promise.resolve();

  return {
    restore: (restoreOptions) =>
      inTurn(async () => {
        const report = await restoreHome(state, restoreOptions);
        settling = settle(state, inTurn);
        return report;
      }, restoreOptions.signal),
    commit: (commitOptions) => inTurn(() => commitHome(state, commitOptions), commitOptions.signal),
    saveConflict: ({ signal }) => inTurn(async () => ({ manifest: await saveConflict(state, signal) }), signal),
    close: async () => {
      await settling;
      await inTurn(() => {
        state.root?.close();
        state.root = undefined;
        return Promise.resolve();
      });
    },
  };
};

/**
 * Nobody waits for the restored files to reach the disk. Until they have, the journal says in which boot they were
 * written: after another boot they are not trusted (restore-home.ts).
 */
const settle = async (state: HomeState, inTurn: TakeTurn): Promise<void> => {
  if (state.journal?.unsyncedSince === undefined) return;
  try {
    await flushHome(state);
    await inTurn(() => updateJournal(state, { unsyncedSince: undefined }));
  } catch {
    // The first commit flushes again, and its failure is reported.
  }
};

type TakeTurn = <T>(operation: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** One operation after the other, in the order they were asked for. */
const makeTurnTaker = (): TakeTurn => {
  let last: Promise<unknown> = Promise.resolve();
  return (operation, signal) => {
    const next = last.then(operation, operation).catch((thrown: unknown) => {
      throw operationError(thrown, signal);
    });
    last = next.catch(() => undefined);
    return next;
  };
};

/** One kind of error for one cause, wherever in the operation it was met. */
const operationError = (thrown: unknown, signal: AbortSignal | undefined): unknown => {
  if (isDiskFull(thrown)) return new HomeError('DiskFull', 'the disk of the homes is full', thrown);
  if (signal?.aborted !== true || isHomeError(thrown) || isStoreError(thrown)) return thrown;
  return new StoreError('Aborted', '', 'the caller gave up', thrown);
};
