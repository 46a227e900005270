import type { Pod } from '../api/pod.ts';
import { Reason } from '../api/reasons.ts';
import { DEFAULT_PROGRESS_DEADLINE_SECONDS, type Sandbox, type SandboxStatus } from '../api/sandbox.ts';
import { rfc3339 } from '../base/clock.ts';
import { LONGEST_WAIT_MS } from './deadline.ts';
import { isWaiting, runningSince } from './pod-view.ts';
import { uidOf } from './seen.ts';
import type { Situation, Verdict } from './step.ts';

/**
 * What may go away by itself (a registry that is down, a cluster that grows, a process that finds its database again),
 * and what may as well follow from a field of the spec that only a person can change. For `progressDeadlineSeconds` it
 * counts as the first, then as the second: as a Deployment does it, whose field has the same name. It is tried on all the
 * same, and when that succeeds nothing is left of it.
 */
const TROUBLES: readonly Reason[] = [
  Reason.Unschedulable,
  Reason.ImagePullFailed,
  Reason.ContainerFailing,
  Reason.PodFailed,
];

export type Trouble = NonNullable<SandboxStatus['trouble']>;

/** kubelet forgets its back-off after so long, too: a container that has run for less may be in the middle of a crash loop. */
const STEADY_AFTER_MS = 10 * 60_000;

/**
 * What keeps the sandbox from being Ready, and since when; undefined: nothing, or what others are to see to. One that is
 * Ready between two crashes, or whose next pod is being made, has it still.
 */
export const troubleOf = (situation: Situation, ready: Verdict): Trouble | undefined => {
  const before = situation.sandbox.status?.trouble;
  if (TROUBLES.includes(ready.reason)) {
    const reason = ready.reason as Trouble['reason'];
    return before?.reason === reason ? before : { reason, since: rfc3339(situation.now) };
  }
  return before !== undefined && situation.run.kind === 'going' && isRecurring(situation, before) ? before : undefined;
};

const isRecurring = ({ podView, now, sandbox }: Situation, { reason }: Trouble): boolean => {
  if (reason !== Reason.ContainerFailing && reason !== Reason.PodFailed) return false;
  if (podView.kind !== 'live') return reason === Reason.PodFailed;
  const since = reason === Reason.PodFailed ? readySince(sandbox, podView.pod) : runningSince(podView.pod);
  return since === undefined ? reason === Reason.PodFailed : now - since < STEADY_AFTER_MS;
};

/** Of this pod: the time of one before says nothing of it. */
const readySince = ({ status }: Sandbox, pod: Pod): number | undefined =>
  status?.startedAt === undefined || status.podUid !== uidOf(pod) ? undefined : Date.parse(status.startedAt);

/** When waiting has not helped, in milliseconds since the epoch. */
const overdueAt = ({ spec }: Sandbox, { since }: Trouble): number =>
  Date.parse(since) + (spec.progressDeadlineSeconds ?? DEFAULT_PROGRESS_DEADLINE_SECONDS) * 1000;

/** The verdict, with what follows from how long it has been so. */
export const inTime = ({ sandbox, now }: Situation, ready: Verdict, trouble: Trouble | undefined): Verdict =>
  trouble !== undefined && trouble.reason === ready.reason && now >= overdueAt(sandbox, trouble)
    ? { ...ready, needsPerson: true }
    : ready;

/** Milliseconds until time alone makes a trouble one for a person; undefined: it is, or there is none. */
export const troubleDueMs = (sandbox: Sandbox, status: SandboxStatus, now: number): number | undefined => {
  const { trouble } = status;
  if (trouble === undefined) return undefined;
  const due = overdueAt(sandbox, trouble);
  return due <= now ? undefined : Math.min(LONGEST_WAIT_MS, due - now);
};

/**
 * A pod that stands still: nothing of it runs, nor is about to. A container that has just ended is started again in its
 * pod, with what it was made from; one that ends again and again is waited with.
 */
export const standsStill = ({ reason }: Verdict, pod: Pod): boolean =>
  reason === Reason.Unschedulable ||
  ((reason === Reason.ImagePullFailed || reason === Reason.ContainerFailing) && isWaiting(pod));
