import type { Clock } from '../base/clock.ts';
import type { HeadSummary, Progress } from '../workspace/home.ts';
import type { SessionFailure } from './session-failure.ts';
import type { SessionRecord } from './session-record.ts';
import type { SessionView } from './session-status.ts';
import type { HomeObservation } from './session-work.ts';
import { withCommit } from './commit-history.ts';

/** What is known about a session, in one place: each change wakes who waits for it and is reported. */
export interface SessionBoard {
  readonly view: () => SessionView;
  readonly report: () => void;
  /** The engine vouches for the files from now on. */
  readonly resumed: () => void;
  /** `failure` is what the new state has to say for itself. */
  readonly moved: (record: SessionRecord, failure: SessionFailure | undefined) => void;
  readonly sawHead: (head: HeadSummary) => void;
  readonly observed: (observation: HomeObservation) => void;
  readonly progressed: (progress: Progress) => void;
  /** Grows whenever something got done. */
  readonly progress: () => number;
  readonly failed: (failure: SessionFailure, dirty: boolean) => void;
}

/** How often a long restore's progress, or the newest message of a lasting failure, is written to the API. */
const REPORT_EVERY_MS = 15_000;

export const makeSessionBoard = (
  deps: { readonly clock: Clock; readonly onChange: () => void; readonly report: (view: SessionView) => void },
  record: SessionRecord,
): SessionBoard => {
  let view: SessionView = {
    record,
    // Nothing is ever restored into a home in conflict: what is there is there.
    ready: record.state === 'Conflict',
    failure: undefined,
    progress: undefined,
    dirty: false,
    skipped: 0,
    head: undefined,
    commits: [],
  };
  let reportedAt = -Infinity;
  let steps = 0;

  const set = (part: Partial<SessionView>): void => {
    view = { ...view, ...part };
    deps.onChange();
  };
  const report = (): void => {
    reportedAt = deps.clock.monotonic();
    deps.report(view);
  };
  const reportNowAndThen = (): void => {
    if (deps.clock.monotonic() - reportedAt >= REPORT_EVERY_MS) report();
  };

  return {
    view: () => view,
    report,
    resumed: () => set({ ready: true }),
    moved: (next, failure) => {
      set({ record: next, ready: view.ready || next.state === 'Conflict', progress: undefined, failure });
      report();
    },
    sawHead: (head) => set({ head, commits: withCommit(view.commits, head) }),
    observed: (observation) => {
      set({
        head: observation.head,
        commits: withCommit(view.commits, observation.head),
        dirty: observation.unsettled > 0,
        skipped: observation.skipped,
        failure: undefined,
        progress: undefined,
      });
      report();
    },
    progress: () => steps,
    progressed: (progress) => {
      steps += 1;
      set({ progress: describeProgress(progress) });
      if (view.record.state !== 'Open') reportNowAndThen();
    },
    failed: (failure, dirty) => {
      const isNew = view.failure?.reason !== failure.reason || (dirty && !view.dirty);
      set({ failure, dirty: view.dirty || dirty });
      if (isNew) report();
      else reportNowAndThen();
    },
  };
};

const describeProgress = (progress: Progress): string =>
  `${progress.filesDone} of ${progress.filesTotal} files, ${mebibytes(progress.bytesDone)} of ${mebibytes(progress.bytesTotal)} MiB`;

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
