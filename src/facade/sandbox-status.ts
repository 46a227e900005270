import { findCondition } from '../api/condition.ts';
import { ANNOTATION_START_FAILURE } from '../api/names.ts';
import { EXPIRED_REASONS, Reason, SandboxConditionType } from '../api/reasons.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { SandboxState } from '../api/sandbox-life.ts';
import { standingOf } from '../api/standing.ts';

/** Where a Sandbox is in its life, from what is asked for and what the controller last said: src/api/sandbox-life.ts. */
export const sandboxState = (sandbox: Sandbox): SandboxState => {
  const { metadata, spec, status } = sandbox;
  if (metadata.deletionTimestamp !== undefined) return 'shutting_down';
  if (spec.desiredState !== 'Running') {
    if (startFailure(sandbox) !== undefined) return 'failed';
    if (!isAtRest(sandbox)) return 'shutting_down';
    if (spec.desiredState === 'Suspended') return 'suspended';
    return status?.stopReason === 'expired' ? 'expired' : 'stopped';
  }
  const reason = standingOf(status?.conditions)?.reason;
  if (isOver(sandbox) && isObserved(sandbox)) {
    if (!EXPIRED_REASONS.includes(reason ?? '')) return 'shutting_down';
    if (reason === Reason.PodLost) return 'failed';
    return spec.lifetime?.onExpire === 'Suspend' ? 'suspended' : 'expired';
  }
  if (findCondition(status?.conditions, SandboxConditionType.Stalled)?.status === 'True') return 'failed';
  const ready = findCondition(status?.conditions, SandboxConditionType.Ready);
  if (ready?.status === 'True') return status?.lastHeartbeatTime === undefined ? 'ready' : 'running';
  return status?.podName === undefined ? 'creating' : 'starting';
};

/** Whether its run has ended by itself, though it is still asked to run. */
export const isOver = ({ status }: Sandbox): boolean =>
  status?.stopReason === 'expired' || status?.run?.ended !== undefined;

/** Ended as it was asked to, with nothing left to save. */
export const isAtRest = (sandbox: Sandbox): boolean => {
  const reason = standingOf(sandbox.status?.conditions)?.reason;
  const wanted = sandbox.spec.desiredState === 'Suspended' ? Reason.Suspended : Reason.Stopped;
  return sandbox.spec.desiredState !== 'Running' && isObserved(sandbox) && reason === wanted;
};

/** Whether the status speaks of the spec as it is now, and not of one before the last change. */
const isObserved = ({ metadata, status }: Sandbox): boolean =>
  (status?.observedGeneration ?? -1) >= (metadata.generation ?? 0);

export const isActive = (state: SandboxState): boolean =>
  state === 'starting' || state === 'ready' || state === 'running';

/** On its way to another state, which the controller brings about. */
export const isPassing = (state: SandboxState): boolean =>
  state === 'creating' || state === 'starting' || state === 'shutting_down';

export const takesCommands = (state: SandboxState): boolean => state === 'ready' || state === 'running';

export interface Explanation {
  /** One word of the closed set of condition reasons. */
  readonly reason: string;
  readonly message: string;
}

/** Why the state is what it is: what made the start fail, where only a person can help (Stalled), otherwise Ready, or Stopped. */
export const explanation = (sandbox: Sandbox): Explanation | undefined => {
  const conditions = sandbox.status?.conditions;
  const stalled = findCondition(conditions, SandboxConditionType.Stalled);
  if (stalled?.status === 'True') return stalled;
  return startFailure(sandbox) ?? standingOf(conditions);
};

/** Whether its start has failed, and nobody tries it any more. */
export const wasGivenUp = (sandbox: Sandbox): boolean => startFailure(sandbox) !== undefined;

/** Of a start that was given up before the sandbox was ever ready; one that ran since then has nothing to do with it. */
const startFailure = ({ metadata, spec, status }: Sandbox): Explanation | undefined => {
  if (spec.desiredState === 'Running' || status?.startedAt !== undefined) return undefined;
  const [, reason, message] = /^(\w+): (.*)$/s.exec(metadata.annotations?.[ANNOTATION_START_FAILURE] ?? '') ?? [];
  return reason === undefined || message === undefined ? undefined : { reason, message };
};
