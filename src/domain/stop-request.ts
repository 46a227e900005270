import { ANNOTATION_STOP_GRACE_SECONDS, ANNOTATION_STOP_REASON } from '../api/names.ts';
import { type Sandbox, StopReason } from '../api/sandbox.ts';
import type { RunView } from './run.ts';
import { isDeleting } from './seen.ts';

const LONGEST_GRACE_SECONDS = 3600;

/**
 * Seconds the processes get, where whoever stops the sandbox says so; undefined: the template's. 0 becomes 1: the API
 * server forgets a pod deleted with 0 while its processes still run. What cannot be read is as good as not said.
 */
export const stopGraceSeconds = (sandbox: Sandbox, run: RunView): number | undefined => {
  // What was said of an earlier stop does not speak of an end that nobody asked for.
  if (run.kind === 'over') return undefined;
  const said = sandbox.metadata.annotations?.[ANNOTATION_STOP_GRACE_SECONDS];
  if (said === undefined || !/^[0-9]{1,4}$/.test(said)) return undefined;
  return Math.min(LONGEST_GRACE_SECONDS, Math.max(1, Number(said)));
};

/** Why the sandbox has ended: its time was over, its pod lost for good, or what whoever asked for it has said. Deleting it changes nothing of that. */
export const stopReason = (sandbox: Sandbox, run: RunView): StopReason => {
  if (run.kind === 'over') return run.end.cause === 'PodLost' ? 'error' : 'expired';
  if (isDeleting(sandbox) && sandbox.status?.stopReason !== undefined) return sandbox.status.stopReason;
  const said = StopReason.safeParse(sandbox.metadata.annotations?.[ANNOTATION_STOP_REASON]);
  return said.success ? said.data : 'user_requested';
};
