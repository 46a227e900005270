import { findCondition } from '../api/condition.ts';
import { EXPIRED_REASONS, Reason, SandboxConditionType } from '../api/reasons.ts';
import { DEFAULT_LIFETIME, type Sandbox } from '../api/sandbox.ts';
import { standingOf } from '../api/standing.ts';
import { nextEnd } from './run-end.ts';
import type { RunView } from './run.ts';
import { isDeleting } from './seen.ts';

/**
 * A timer does not notice that the clock was set, or that the machine slept: whoever waits for a time of the clock looks
 * at it so often.
 */
export const LONGEST_WAIT_MS = 5 * 60_000;

/** Milliseconds until time alone changes what is to be done about the Sandbox; undefined: it never does. */
export const deadlineMs = (sandbox: Sandbox, run: RunView['kind'], now: number): number | undefined => {
  const { run: counted } = sandbox.status ?? {};
  const going = run === 'going' && counted !== undefined ? nextEnd(counted, sandbox, now)?.at : undefined;
  const due = going ?? retainedUntil(sandbox);
  return due === undefined ? undefined : Math.min(LONGEST_WAIT_MS, Math.max(0, due - now));
};

/**
 * When a finished Sandbox need not be listed any more, in milliseconds since the epoch. Undefined for one that is not
 * finished, or whose status does not say, of the spec as it is now, that nothing of it is unsaved.
 */
export const retainedUntil = (sandbox: Sandbox): number | undefined => {
  const { metadata, spec, status } = sandbox;
  if (isDeleting(sandbox) || status?.observedGeneration !== (metadata.generation ?? 0)) return undefined;
  const { onExpire, retainSeconds } = { ...DEFAULT_LIFETIME, ...spec.lifetime };
  const ready = standingOf(status.conditions)?.reason;
  const isFinished =
    (spec.desiredState === 'Stopped' && ready === Reason.Stopped) ||
    (spec.desiredState === 'Running' && EXPIRED_REASONS.includes(ready ?? '') && onExpire === 'Stop');
  const saved = findCondition(status.conditions, SandboxConditionType.WorkspaceSaved);
  const isSaved = saved?.status === 'True' || saved?.reason === Reason.Ephemeral;
  const stoppedAt = Date.parse(status.stoppedAt ?? '');
  return isFinished && isSaved && !Number.isNaN(stoppedAt) ? stoppedAt + retainSeconds * 1000 : undefined;
};
