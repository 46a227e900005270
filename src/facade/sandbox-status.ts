import { type Condition, findCondition } from '../api/condition.ts';
import { SandboxConditionType, Reason } from '../api/reasons.ts';
import type { Sandbox } from '../api/sandbox.ts';

/** The original API's words, and `suspended`, which it did not have. */
export type SandboxState =
  'creating' | 'starting' | 'ready' | 'running' | 'shutting_down' | 'stopped' | 'suspended' | 'failed' | 'expired';

/**
 * One word for where a Sandbox is, from what is asked for and what the controller last said:
 *
 * - creating: no pod yet (it may wait for its workspace); starting: there is one, being restored and started.
 * - ready: it takes commands; running: it does, and has sent a heartbeat.
 * - shutting_down: to be stopped, suspended or deleted, and not yet ended and saved. Never skipped.
 * - stopped, expired, suspended: ended, and its home saved.
 * - failed: only a person can help (Stalled). A pod that dies is replaced, which is `starting` again.
 */
export const sandboxState = (sandbox: Sandbox): SandboxState => {
  const { metadata, spec, status } = sandbox;
  if (metadata.deletionTimestamp !== undefined) return 'shutting_down';
  const ready = findCondition(status?.conditions, SandboxConditionType.Ready);
  if (spec.desiredState === 'Stopped') {
    if (!isObserved(sandbox) || ready?.reason !== Reason.Stopped) return 'shutting_down';
    return status?.stopReason === 'expired' ? 'expired' : 'stopped';
  }
  if (spec.desiredState === 'Suspended') {
    return isObserved(sandbox) && ready?.reason === Reason.Suspended ? 'suspended' : 'shutting_down';
  }
  if (findCondition(status?.conditions, SandboxConditionType.Stalled)?.status === 'True') return 'failed';
  if (ready?.status === 'True') return status?.lastHeartbeatTime === undefined ? 'ready' : 'running';
  return status?.podName === undefined ? 'creating' : 'starting';
};

/** Whether the status speaks of the spec as it is now, and not of one before the last change. */
const isObserved = ({ metadata, status }: Sandbox): boolean =>
  (status?.observedGeneration ?? -1) >= (metadata.generation ?? 0);

export const isActive = (state: SandboxState): boolean =>
  state === 'starting' || state === 'ready' || state === 'running';

export const takesCommands = (state: SandboxState): boolean => state === 'ready' || state === 'running';

export const hasEnded = (state: SandboxState): boolean =>
  state === 'stopped' || state === 'expired' || state === 'suspended';

/** The condition that explains the state: Stalled where only a person can help, otherwise Ready. */
export const governingCondition = ({ status }: Sandbox): Condition | undefined => {
  const stalled = findCondition(status?.conditions, SandboxConditionType.Stalled);
  return stalled?.status === 'True' ? stalled : findCondition(status?.conditions, SandboxConditionType.Ready);
};
