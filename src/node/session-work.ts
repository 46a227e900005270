import { rfc3339, type Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Tracer } from '../base/tracer.ts';
import { decodeHead, summaryOf } from '../workspace/head.ts';
import { HEAD_KEY } from '../workspace/layout.ts';
import {
  isHomeError,
  type Home,
  type HeadSummary,
  type HomeOptions,
  type Progress,
  type RestoreRequest,
} from '../workspace/home.ts';
import type { ObjectStore } from '../workspace/object-store.ts';
import type { HomePaths } from './home-paths.ts';
import type { Limiter } from './limiter.ts';
import type { NodeMetrics } from './node-metrics.ts';
import type { SessionJournal } from './session-journal.ts';
import type { SessionRecord } from './session-record.ts';
import type { SessionEvent } from './session-transition.ts';
import { traceSessionWork } from './trace-session-work.ts';

export interface WorkDeps {
  readonly openHome: (options: HomeOptions) => Promise<Home>;
  readonly store: ObjectStore;
  readonly journal: Pick<SessionJournal, 'ensureFolders'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: NodeMetrics;
  /** Off unless given. */
  readonly tracer?: Tracer;
  readonly node: string;
  readonly ownerId: number;
  /** Each kind has places of its own: neither a long restore nor a stuck commit may hold up a stopping sandbox. */
  readonly restores: Limiter;
  readonly commits: Limiter;
  readonly finals: Limiter;
}

/** What a pass over the home found. */
export interface HomeObservation {
  readonly head: HeadSummary;
  /** Entries that changed while they were read. */
  readonly unsettled: number;
  readonly skipped: number;
  /** Milliseconds. */
  readonly scanMs: number;
  readonly committed: boolean;
}

/** The engine's acts, as steps of a session. Each answers what happened, or throws what the engine threw. */
export interface SessionWork {
  readonly restore: (signal: AbortSignal) => Promise<SessionEvent>;
  /** Answers the key of what was put aside, if the machine's end had torn the home. */
  readonly resume: (signal: AbortSignal) => Promise<string | undefined>;
  readonly commit: (signal: AbortSignal) => Promise<HomeObservation>;
  readonly finalCommit: (signal: AbortSignal) => Promise<HomeObservation>;
  /**
   * `final`: nobody writes any more. The engine stores a conflict once and remembers it; what the containers wrote after
   * that would be missing. So the final one is made by an engine that knows of none, and stores the whole home.
   */
  readonly saveConflict: (final: boolean, signal: AbortSignal) => Promise<SessionEvent>;
  readonly close: () => Promise<void>;
}

export const makeSessionWork = (
  deps: WorkDeps,
  session: {
    readonly record: SessionRecord;
    readonly paths: HomePaths;
    /** The older commit that the home is to begin with, if one is asked for. Throws KubeErrors. */
    readonly restoreRequest: (signal: AbortSignal) => Promise<RestoreRequest | undefined>;
    readonly onHead: (head: HeadSummary) => void;
    readonly onProgress: (progress: Progress) => void;
    /** Runs what may wait for the storage, and tells people when it does. */
    readonly watched: <T>(act: () => Promise<T>) => Promise<T>;
  },
): SessionWork => {
  const { record, paths } = session;
  let opened: Home | undefined;

  const open = (state: string): Promise<Home> =>
    deps.openHome({
      store: deps.store,
      prefix: record.prefix,
      epoch: record.epoch,
      writer: `sandbox/${record.sandbox} on ${deps.node}`,
      home: paths.home,
      state,
      ownerId: deps.ownerId,
      clock: deps.clock,
      random: deps.random,
    });

  const home = async (): Promise<Home> => {
    opened ??= await open(paths.state);
    return opened;
  };

  const traced = traceSessionWork(deps, record);

  const fill = (signal: AbortSignal): Promise<SessionEvent> => {
    const request = session.restoreRequest(signal);
    // Whether anybody still waits for it then or not, it is handled.
    request.catch(() => undefined);
    return deps.restores.run(signal, async () => {
      await deps.journal.ensureFolders(record);
      const begun = deps.clock.monotonic();
      try {
        const report = await traced.restore(async () =>
          (await home()).restore({ signal, onProgress: session.onProgress, request }),
        );
        deps.metrics.restored(deps.clock.monotonic() - begun, report.head.bytes);
        session.onHead(report.head);
        return { kind: 'restored', at: rfc3339(deps.clock.now()) };
      } catch (error) {
        if (!isHomeError(error, 'Fenced')) throw error;
        // The controller chooses the next epoch above the head that it is shown.
        session.onHead(await readHead(deps.store, record.prefix, signal));
        return { kind: 'overtaken' };
      }
    });
  };

  const pass = async (final: boolean, signal: AbortSignal): Promise<HomeObservation> => {
    let bytes = 0;
    const onProgress = (progress: Progress): void => {
      bytes = progress.bytesDone;
      session.onProgress(progress);
    };
    const report = await traced.commit(
      async () => (await home()).commit({ signal, final, onProgress }),
      () => ({ final, bytes_sent: bytes }),
    );
    deps.metrics.scanned(report.scanMs, report.committed, bytes);
    return {
      head: report.head,
      unsettled: report.dirty,
      skipped: report.skippedTotal,
      scanMs: report.scanMs,
      committed: report.committed,
    };
  };

  const resume = async (signal: AbortSignal): Promise<string | undefined> => {
    const report = await (await home()).restore({ signal, onProgress: session.onProgress });
    session.onHead(report.head);
    return report.setAside;
  };

  const storeConflict = async (final: boolean, signal: AbortSignal): Promise<SessionEvent> => {
    const saved = final ? await saveFinal(signal) : await (await home()).saveConflict({ signal });
    return { kind: 'conflictSaved', manifest: saved.manifest };
  };

  const saveFinal = async (signal: AbortSignal): Promise<{ readonly manifest: string }> => {
    const late = await open(paths.lateState);
    try {
      return await late.saveConflict({ signal });
    } finally {
      await late.close();
    }
  };

  // Who waits for a sandbox to start or end also waits in line; a home in use is only looked at when its turn comes.
  return {
    restore: (signal) => session.watched(() => fill(signal)),
    resume: (signal) => session.watched(() => deps.restores.run(signal, () => resume(signal))),
    commit: (signal) => deps.commits.run(signal, () => session.watched(() => pass(false, signal))),
    finalCommit: (signal) => session.watched(() => deps.finals.run(signal, () => pass(true, signal))),
    saveConflict: (final, signal) => session.watched(() => deps.finals.run(signal, () => storeConflict(final, signal))),
    close: async () => {
      await opened?.close();
      opened = undefined;
    },
  };
};

const readHead = async (store: ObjectStore, prefix: string, signal: AbortSignal): Promise<HeadSummary> => {
  const key = `${prefix}${HEAD_KEY}`;
  const { body } = await store.get(key, { signal });
  return summaryOf(decodeHead(body, `${store.name}/${key}`));
};
