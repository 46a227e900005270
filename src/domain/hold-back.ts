import { Reason } from '../api/reasons.ts';
import { standingOf } from '../api/standing.ts';
import { uidOf } from './seen.ts';
import type { Situation, Step } from './step.ts';

/** A good start is over by then. A pod's creation time has whole seconds, so it is one second less at worst. */
const HOLD_MS = 5_000;
/** With many starts at once pods wait for the scheduler, which binds some 70 a second; one that has no room says so at once. */
const HOLD_UNBOUND_MS = 15_000;

/** Stations that a start passes through by itself. */
const ON_ITS_WAY: readonly string[] = [
  Reason.WaitingForWorkspace,
  Reason.CreatingPod,
  Reason.RestoringWorkspace,
  Reason.ContainersStarting,
];

/**
 * How many milliseconds the status of a start that is on its way need not be written yet; undefined: it has to be. Each
 * station was a write of its own, three before the one that says Ready, and with many starts at once these were most of
 * what the API server had to do. Whoever waits sees meanwhile what is true: that the controller has not said how it is.
 *
 * Not held back is whatever somebody acts on: the pod's uid, which the node driver asks for before it opens a home and
 * which `restartPolicy: Never` rests on; any trouble; any turn of a Sandbox that has been said to be something else.
 */
export const heldBackMs = (
  situation: Situation,
  { ready, status, actions, endsRun, failedPod }: Step,
): number | undefined => {
  const { sandbox, run, podView, home, now } = situation;
  if (status !== 'after' || actions.length > 0 || endsRun !== undefined || failedPod !== undefined) return undefined;
  if (run.kind !== 'going' || podView.kind !== 'live' || !ON_ITS_WAY.includes(ready.reason)) return undefined;
  const { metadata, status: before } = sandbox;
  const said = standingOf(before?.conditions);
  if (said !== undefined && (!ON_ITS_WAY.includes(said.reason) || before?.observedGeneration !== metadata.generation))
    return undefined;
  const isPodTold = before?.podUid === uidOf(podView.pod);
  if (!isPodTold && (home.kind === 'workspace' || sandbox.spec.restartPolicy === 'Never')) return undefined;
  const age = now - Date.parse(podView.pod.metadata.creationTimestamp ?? '');
  // Not a number, or in the future: clocks that differ tell nothing.
  const hold = ready.reason === Reason.CreatingPod ? HOLD_UNBOUND_MS : HOLD_MS;
  return age >= 0 && age < hold ? hold - age : undefined;
};
