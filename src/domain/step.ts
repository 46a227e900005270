import type { Reason } from '../api/reasons.ts';
import type { Action } from './action.ts';
import type { HomeKind } from './home.ts';
import type { NodeLoss } from './node-loss.ts';
import type { Observed } from './observed.ts';
import type { PodView } from './pod-view.ts';
import type { Run } from './run-end.ts';
import type { RunView } from './run.ts';
import type { WriterView } from './writer.ts';

/** An Observed with its parts already judged: what the rules read. */
export interface Situation extends Observed {
  readonly run: RunView;
  readonly home: HomeKind;
  readonly podView: PodView;
  readonly writer: WriterView;
  readonly loss: NodeLoss;
}

/** What a condition says, without its times. */
export interface Verdict {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: Reason;
  readonly message: string;
  /** Waiting will not help, whatever else the reason means: Stalled says so. */
  readonly needsPerson?: true;
}

/**
 * The first thing that keeps a Sandbox from being what is asked for, and what to do about it. The Ready condition and
 * the actions come from the same value, so they cannot disagree.
 */
export interface Step {
  readonly ready: Verdict;
  readonly actions: readonly Action[];
  /**
   * `skip`: the actions lead at once to the next step, whose status is written instead: a start is five writes, not
   * ten. `before`: what is true now would be lost by the actions. `after`: everything else.
   */
  readonly status: 'skip' | 'before' | 'after';
  /** Look again: after so many milliseconds, or never unless something changes. */
  readonly requeueAfterMs: number | undefined;
  /** The pod that had to be given up, for the delay before the next. */
  readonly failedPod?: FailedPod;
  /** Its pod is given up before it ever ran: with restartPolicy Never another may take its place. */
  readonly forgetsPod?: true;
  /** The run is over with this: it is written down, and everything else follows from that in the next pass. */
  readonly endsRun?: NonNullable<Run['ended']>;
}

export interface FailedPod {
  readonly uid: string;
  /** In the words of whoever ended it. */
  readonly why: string;
}

/** Undefined: this rule has nothing against it, ask the next. */
export type Rule = (situation: Situation) => Step | undefined;

const no = (reason: Reason, message: string): Verdict => ({ status: 'False', reason, message });

/** Nothing to do but wait for a change, or for `requeueAfterMs`. */
export const wait = (reason: Reason, message: string, requeueAfterMs?: number): Step => ({
  ready: no(reason, message),
  actions: [],
  status: 'after',
  requeueAfterMs,
});

/** Actions that lead straight to the next step. */
export const advance = (reason: Reason, message: string, actions: readonly Action[]): Step => ({
  ready: no(reason, message),
  actions,
  status: 'skip',
  requeueAfterMs: 0,
});

/** Actions whose effect arrives as an event; the status says meanwhile what is going on. */
export const act = (reason: Reason, message: string, actions: readonly Action[], failedPod?: FailedPod): Step => ({
  ready: no(reason, message),
  actions,
  status: 'after',
  requeueAfterMs: undefined,
  ...(failedPod === undefined ? {} : { failedPod }),
});

export const firstStep = (rules: readonly Rule[], situation: Situation, otherwise: Step): Step => {
  for (const rule of rules) {
    const step = rule(situation);
    if (step !== undefined) return step;
  }
  return otherwise;
};
