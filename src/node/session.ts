import { backoffDelay, type BackoffPolicy } from '../base/backoff.ts';
import type { Log } from '../telemetry/log.ts';
import { makeChangeSignal } from './change-signal.ts';
import { makeConflictReporter } from './conflict-reporter.ts';
import { CsiError } from './csi-error.ts';
import type { Trash } from './discard-home.ts';
import { homePaths } from './home-paths.ts';
import type { Mounts } from './mounts.ts';
import { FIRST_RHYTHM, nextRhythm, retryInterval, scanInterval } from './scan-interval.ts';
import { makeSessionBoard } from './session-board.ts';
import { readRestoreRequest } from './read-restore-request.ts';
import { describeEvent, describeFailure, needsConflict, type SessionFailure } from './session-failure.ts';
import type { SessionJournal } from './session-journal.ts';
import { type SessionRecord, withKept } from './session-record.ts';
import { makeSessionReporter, type ReporterDeps } from './session-reporter.ts';
import { withStallWatch } from './stall-watch.ts';
import type { StorageVerdict } from './storage-watch.ts';
import type { SessionView } from './session-status.ts';
import { nextStep, transition, type Learned, type SessionEvent, type SessionStep } from './session-transition.ts';
import { makeSessionWork, type WorkDeps } from './session-work.ts';
import { makeTurns } from './turns.ts';
import type { Volume } from './volume-table.ts';

export interface SessionDeps extends WorkDeps, ReporterDeps {
  readonly journal: SessionJournal;
  readonly mounts: Mounts;
  readonly trash: Trash;
  readonly probeStorage: () => Promise<StorageVerdict>;
  readonly log: Log;
  readonly stateDir: string;
  /** Milliseconds. */
  readonly rpoMs: number;
}

/**
 * One home on its way through the states of ./session-transition.ts. A single loop carries out one step after another
 * and goes on until the bucket has everything and the Workspace's status says so, whatever fails meanwhile. kubelet's
 * calls only turn it (`release`), look at it (`view`, `until`) or show its home (`attach`).
 */
export interface Session {
  readonly view: () => SessionView;
  readonly until: (condition: (view: SessionView) => boolean, ms: number, signal?: AbortSignal) => Promise<boolean>;
  /** Mounts the home at `target`. Throws a CsiError when the session is not open any more. */
  readonly attach: (target: string) => Promise<void>;
  /** It is shown by this volume, and not by the one that was expected. Resolves when the journal says so. */
  readonly rename: (volume: Volume) => Promise<void>;
  /** No process writes to the home any more. Resolves when the journal says so. */
  readonly release: () => Promise<void>;
  /** Begins nothing new but one last commit; resolves when that has ended, well or not. */
  readonly drain: () => Promise<void>;
  /** Cuts what is running. The journal holds what is needed to go on. */
  readonly stop: () => Promise<void>;
}

const RETRY: BackoffPolicy = { baseMs: 500, maxMs: 5000 };
/** A damaged workspace is fetched again in case the fault was on the way, but not every few seconds. */
const RETRY_CORRUPT: BackoffPolicy = { baseMs: 5000, maxMs: 60_000 };
const NEEDS_A_PERSON: readonly SessionFailure['reason'][] = ['WorkspaceCorrupt', 'RestoreRefused'];

/** Begins at once, where `initial` says. `onFinished` is called when nothing of the home is left on this node. */
export const startSession = (deps: SessionDeps, initial: SessionRecord, onFinished: () => void): Session => {
  const paths = homePaths(deps.stateDir, initial.workspace, initial.epoch);
  const log = deps.log.child({ workspace: initial.workspace, epoch: initial.epoch, sandbox: initial.sandbox });
  const change = makeChangeSignal(deps.clock);
  const reporter = makeSessionReporter(deps);
  const conflicts = makeConflictReporter(deps);
  const board = makeSessionBoard({ clock: deps.clock, onChange: change.notify, report: reporter.update }, initial);
  const work = makeSessionWork(deps, {
    record: initial,
    paths,
    restoreRequest: (signal) => readRestoreRequest(deps.kube, initial, signal),
    onHead: board.sawHead,
    onProgress: board.progressed,
    watched: (act) =>
      withStallWatch(
        {
          ...deps,
          progress: board.progress,
          onStall: (failure) => board.failed(failure, current().openedAt !== undefined),
        },
        act,
      ),
  });
  const inTurn = makeTurns();
  const stopping = new AbortController();
  const restoring = new AbortController();
  const restoreSignal = AbortSignal.any([stopping.signal, restoring.signal]);
  let draining = false;
  let learned: Learned = { fenced: false, resumed: false };
  let failures = 0;
  let rhythm = FIRST_RHYTHM;
  let scanMs = 0;

  const current = (): SessionRecord => board.view().record;

  const save = async (next: SessionRecord, failure?: SessionFailure): Promise<void> => {
    if (next === current()) return;
    await deps.journal.save(next);
    log.info({ from: current().state, to: next.state, released: next.released }, 'session moved');
    board.moved(next, failure);
    tellKept();
  };

  const tellKept = (): void => {
    if (current().kept !== undefined) conflicts.update({ view: board.view(), over: false });
  };

  // What the loop learned counts only if nothing else has moved the session since the step began: a conflict saved
  // while containers still ran, say, is not yet the home that they left.
  const moveFrom = (from: SessionRecord, event: SessionEvent): Promise<void> =>
    inTurn('record', async () => {
      if (current() === from) await save(transition(from, event), describeEvent(event));
    });

  const release = async (): Promise<void> => {
    await inTurn('record', () => save(transition(current(), { kind: 'released' })));
    restoring.abort(new Error('the pod is gone'));
  };

  const attach = (target: string): Promise<void> =>
    inTurn('record', async () => {
      const record = current();
      if (record.released || (record.state !== 'Open' && record.state !== 'Conflict')) {
        throw new CsiError('FailedPrecondition', `the home of epoch ${record.epoch} is ${record.state}, not open`);
      }
      if (!board.view().ready) throw new CsiError('Unavailable', 'the home is still being looked at');
      if (record.target !== target) await save({ ...record, target });
      await deps.mounts.bind(paths.home, target);
    });

  const rest = async (from: SessionRecord, ms: number): Promise<void> => {
    const turned = (): boolean => draining || current() !== from;
    await change.until(turned, ms, stopping.signal).catch(() => undefined);
  };

  const nextScanMs = (): number => scanInterval({ rhythm, scanMs, rpoMs: deps.rpoMs, random: deps.random });

  const vouched = (): void => {
    learned = { ...learned, resumed: true };
    board.resumed();
  };

  const perform = async (step: Exclude<SessionStep, 'finish'>, from: SessionRecord): Promise<void> => {
    switch (step) {
      case 'restore':
        await moveFrom(from, await work.restore(restoreSignal));
        vouched();
        // The first scan can wait: nothing has changed yet.
        return current().state === 'Open' ? rest(current(), nextScanMs()) : undefined;
      case 'resume': {
        const setAside = await work.resume(stopping.signal);
        if (setAside !== undefined) {
          log.warn({ setAside }, 'the home was torn by a crash: put aside, restored anew');
          await inTurn('record', () => save(withKept(current(), setAside)));
        }
        return vouched();
      }
      case 'commit': {
        const observation = await work.commit(stopping.signal);
        board.observed(observation);
        scanMs = observation.scanMs;
        rhythm = nextRhythm(rhythm, observation.committed);
        return rest(from, nextScanMs());
      }
      case 'finalCommit':
        board.observed(await work.finalCommit(stopping.signal));
        return moveFrom(from, { kind: 'committed' });
      case 'saveConflict':
        return moveFrom(from, await work.saveConflict(from.released, stopping.signal));
      case 'awaitRelease':
        return rest(from, deps.rpoMs);
    }
  };

  const recoverFrom = async (step: SessionStep, from: SessionRecord, error: unknown): Promise<void> => {
    // A release or the driver's end cuts a restore: that is no failure.
    if (stopping.signal.aborted || current() !== from || (step === 'restore' && restoreSignal.aborted)) return;
    const failure = describeFailure(error);
    deps.metrics.failed(step, failure.reason);
    log.warn({ step, reason: failure.reason, err: error }, 'step failed');
    if (step !== 'restore' && needsConflict(error)) learned = { ...learned, fenced: true };
    board.failed(failure, step !== 'restore' && step !== 'finish');
    const policy = NEEDS_A_PERSON.includes(failure.reason) ? RETRY_CORRUPT : RETRY;
    const delay = backoffDelay(policy, failures, deps.random);
    failures += 1;
    await rest(from, step === 'commit' ? retryInterval(delay, scanMs) : delay);
  };

  // The order makes each step safe to die after: a Closed that was not reported is reported again from the journal, and
  // the journal goes last, with the home.
  const finish = async (): Promise<boolean> => {
    const isTold = await reporter.settled();
    // One whose writer is another by now was given up by the controller, which waits to hear how it ended.
    if (!isTold || current().kept !== undefined) {
      conflicts.update({ view: board.view(), over: true });
      await conflicts.settled();
    }
    if (stopping.signal.aborted) return false;
    await deps.mounts.unbind(current().target);
    await work.close();
    await deps.trash.discard(paths);
    log.info({ state: current().state }, 'home discarded: the bucket has everything');
    onFinished();
    return true;
  };

  const isOver = (step: SessionStep): boolean => {
    if (stopping.signal.aborted) return true;
    return draining && (step === 'restore' || step === 'resume' || step === 'awaitRelease');
  };

  const loop = async (): Promise<void> => {
    for (;;) {
      const from = current();
      const step = nextStep(from, learned);
      if (isOver(step)) break;
      const isLast = draining && step !== 'finalCommit';
      try {
        if (step === 'finish') {
          if (await finish()) return;
        } else {
          await perform(step, from);
        }
        failures = 0;
        if (isLast) break;
      } catch (error) {
        await recoverFrom(step, from, error);
        if (draining) break;
      }
    }
    await work.close().catch((error: unknown) => log.warn({ err: error }, 'cannot close the home'));
  };

  // An adopted open home has nothing new to say before its first scan.
  if (initial.state !== 'Open') board.report();
  tellKept();
  const running = loop();

  return {
    view: board.view,
    until: (condition, ms, signal) => change.until(() => condition(board.view()), ms, signal),
    attach,
    rename: ({ volumeId, target }) => inTurn('record', () => save({ ...current(), volumeId, target })),
    release,
    drain: async () => {
      draining = true;
      restoring.abort(new Error('the driver is stopping'));
      change.notify();
      await running;
    },
    stop: async () => {
      stopping.abort(new Error('the driver is stopping'));
      reporter.stop();
      conflicts.stop();
      await running;
    },
  };
};
