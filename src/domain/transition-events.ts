import { findCondition } from '../api/condition.ts';
import { Reason, SandboxConditionType } from '../api/reasons.ts';
import { standingOf } from '../api/standing.ts';
import type { Condition } from '../api/condition.ts';
import type { SandboxStatus } from '../api/sandbox.ts';
import type { Action } from './action.ts';

/** Only a moment on the way to something that is told: an event is a write, and the pod has events of its own. */
const NOT_TOLD: readonly string[] = [Reason.CreatingPod, Reason.WaitingForWorkspace, Reason.ContainersStarting];

const NORMAL: readonly string[] = [
  Reason.PodReady,
  Reason.WorkspaceInUse,
  Reason.RestoringWorkspace,
  Reason.Stopping,
  Reason.SavingWorkspace,
  Reason.Stopped,
  Reason.Suspended,
  Reason.Expired,
  Reason.Idle,
  Reason.PodTerminating,
];

/** What a reason is called in the story that `kubectl describe` tells. */
const TITLES: Readonly<Record<string, string>> = { PodReady: 'Ready', SavingWorkspace: 'Saving' };

/**
 * One event for each turn of the story: an event tells what the status write it follows has changed, so a pass that
 * is repeated without a change tells nothing.
 */
export const transitionEvents = (
  before: readonly Condition[] | undefined,
  { conditions: after = [], podName, node }: Pick<SandboxStatus, 'conditions' | 'podName' | 'node'>,
): readonly Action[] => {
  const events: Action[] = [];
  const restored = turned(before, after, SandboxConditionType.WorkspaceRestored);
  const ready = turnOf(standingOf(before), standingOf(after));
  const isQuick = isQuickStart(before, ready);
  if (restored?.reason === Reason.Restored && !isQuick)
    events.push(event('Normal', 'WorkspaceRestored', restored.message));
  if (ready !== undefined && !NOT_TOLD.includes(ready.reason) && !isTheEndOfSaving(before, ready)) {
    const type = NORMAL.includes(ready.reason) ? 'Normal' : 'Warning';
    const where = isQuick ? `, in pod ${podName} on node ${node}` : '';
    const home = isQuick && restored !== undefined ? `; ${restored.message}` : '';
    events.push(event(type, TITLES[ready.reason] ?? ready.reason, `${ready.message}${where}${home}`));
  }
  const stalled = turned(before, after, SandboxConditionType.Stalled);
  if (stalled !== undefined && ready === undefined) events.push(event('Warning', 'Stalled', stalled.message));
  events.push(...savedEvents(before, after, ready?.reason));
  const cold = turned(before, after, SandboxConditionType.ColdMounted);
  if (cold !== undefined && COLD_TROUBLES.includes(cold.reason))
    events.push(event('Warning', cold.reason, cold.message));
  return events;
};

/** Of a start that nothing has been told of yet, its end is told alone, with all that led to it. */
const isQuickStart = (before: readonly Condition[] | undefined, ready: Condition | undefined): boolean => {
  const last = standingOf(before);
  return ready?.reason === Reason.PodReady && (last === undefined || NOT_TOLD.includes(last.reason));
};

/** A stop goes from Stopping to SavingWorkspace and back, for the moment until the pod is gone: told once. */
const isTheEndOfSaving = (before: readonly Condition[] | undefined, ready: Condition): boolean =>
  ready.reason === Reason.Stopping && standingOf(before)?.reason === Reason.SavingWorkspace;

/** Every few seconds of work flip this condition; only the end of a session and a trouble are news. */
const savedEvents = (
  before: readonly Condition[] | undefined,
  after: readonly Condition[],
  toldReason: string | undefined,
): readonly Action[] => {
  const saved = turned(before, after, SandboxConditionType.WorkspaceSaved);
  if (saved === undefined || saved.reason === toldReason) return [];
  const last = findCondition(before, SandboxConditionType.WorkspaceSaved);
  if (saved.reason === Reason.Saved) {
    const isNews = last !== undefined && last.reason !== Reason.UnsavedChanges && last.reason !== Reason.NotStarted;
    return isNews ? [event('Normal', 'Saved', saved.message)] : [];
  }
  if (TROUBLES.includes(saved.reason)) return [event('Warning', saved.reason, saved.message)];
  return [];
};

const COLD_TROUBLES: readonly string[] = [Reason.CredentialsFailed, Reason.MountFailed];

const TROUBLES: readonly string[] = [
  Reason.StorageUnreachable,
  Reason.StorageForbidden,
  Reason.BucketNotFound,
  Reason.WorkspaceCorrupt,
  Reason.RestoreRefused,
  Reason.NodeDiskFull,
  Reason.Fenced,
  Reason.NodeLost,
  Reason.InternalError,
];

const turned = (
  before: readonly Condition[] | undefined,
  after: readonly Condition[],
  type: string,
): Condition | undefined => turnOf(findCondition(before, type), findCondition(after, type));

/** The condition, if its status or reason is not what it was. */
const turnOf = (was: Condition | undefined, is: Condition | undefined): Condition | undefined =>
  is === undefined || (is.status === was?.status && is.reason === was.reason) ? undefined : is;

const event = (type: 'Normal' | 'Warning', reason: string, note: string): Action => ({
  kind: 'emitEvent',
  type,
  reason,
  note,
});
