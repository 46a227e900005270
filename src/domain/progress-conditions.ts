import { EXPIRED_REASONS, Reason, SandboxConditionType } from '../api/reasons.ts';
import type { Verdict } from './step.ts';

/**
 * Only a person can help: to retry is right, to wait for it is not. WorkspaceInUse and QuotaExceeded are not among them:
 * nothing is wrong with the spec, and what they wait for is the end of another sandbox, or of files.
 */
const NEEDS_A_PERSON: readonly Reason[] = [
  Reason.TemplateNotFound,
  Reason.OverrideNotAllowed,
  Reason.AllowListRefused,
  Reason.WorkspaceMismatch,
  Reason.PodNameTaken,
  Reason.PodRefused,
  Reason.UserNamespacesUnavailable,
  Reason.WorkspaceCorrupt,
  Reason.RestoreRefused,
  Reason.BucketNotFound,
  Reason.StorageForbidden,
  // It is asked to run, and is not to have another pod.
  Reason.PodLost,
];

/** Ended, and its home let go. */
const ENDED: readonly string[] = [Reason.Stopped, Reason.Suspended, ...EXPIRED_REASONS];

export const isEnded = (ready: Verdict): boolean => ENDED.includes(ready.reason);

/** The condition that says how a Sandbox is as a whole (src/api/standing.ts). The first of its status: columns read that. */
export const standingCondition = (ready: Verdict): readonly [type: string, verdict: Verdict] =>
  isEnded(ready) ? [SandboxConditionType.Stopped, { ...ready, status: 'True' }] : [SandboxConditionType.Ready, ready];

export const isStalled = (ready: Verdict): boolean =>
  ready.needsPerson === true || NEEDS_A_PERSON.includes(ready.reason);

/**
 * kstatus's two abnormal-true conditions: Stalled where only a person helps, Reconciling while anything else is under
 * way, neither at rest. They repeat what Ready or Stopped says, of a Sandbox
 * or a Workspace.
 */
export const progressConditions = (ready: Verdict): readonly (readonly [type: string, verdict: Verdict])[] => {
  const repeated: Verdict = { ...ready, status: 'True' };
  if (isStalled(ready)) return [[SandboxConditionType.Stalled, repeated]];
  if (ready.status === 'True' || isEnded(ready)) return [];
  return [[SandboxConditionType.Reconciling, repeated]];
};
