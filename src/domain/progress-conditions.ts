import { EXPIRED_REASONS, Reason, SandboxConditionType } from '../api/reasons.ts';
import type { Verdict } from './step.ts';

/** Only a person can help: to retry is right, to wait for it is not. */
const NEEDS_A_PERSON: readonly Reason[] = [
  Reason.TemplateNotFound,
  Reason.OverrideNotAllowed,
  Reason.WorkspaceMismatch,
  Reason.PodNameTaken,
  Reason.PodRefused,
  Reason.UserNamespacesUnavailable,
  Reason.WorkspaceCorrupt,
  Reason.RestoreRefused,
  Reason.BucketNotFound,
  Reason.StorageForbidden,
];

/** Ended, and its home let go. */
const ENDED: readonly string[] = [Reason.Stopped, Reason.Suspended, ...EXPIRED_REASONS];

export const isEnded = (ready: Verdict): boolean => ENDED.includes(ready.reason);

export const isStalled = (ready: Verdict): boolean => NEEDS_A_PERSON.includes(ready.reason);

/**
 * kstatus's two abnormal-true conditions: Stalled where only a person helps, Reconciling while anything else is under
 * way, neither at rest. They repeat what Ready says.
 */
export const progressConditions = (ready: Verdict): readonly (readonly [type: string, verdict: Verdict])[] => {
  const repeated: Verdict = { ...ready, status: 'True' };
  if (isStalled(ready)) return [[SandboxConditionType.Stalled, repeated]];
  if (ready.reason === Reason.PodReady || isEnded(ready)) return [];
  return [[SandboxConditionType.Reconciling, repeated]];
};
