import type { SandboxStatus } from '../api/sandbox.ts';
import { rfc3339 } from '../base/clock.ts';
import { shortened } from '../base/shortened.ts';
import type { FailedPod } from './step.ts';

/** A pod that has been ready for so long starts a new count when it fails. */
const FORGIVEN_AFTER_MS = 10 * 60_000;
const FIRST_DELAY_MS = 10_000;
const LONGEST_DELAY_MS = 5 * 60_000;

export type PodFailures = NonNullable<SandboxStatus['podFailures']>;

/**
 * Milliseconds until the next pod may be made. The first failure (an eviction, a node that restarts) is made good at
 * once; then the delay doubles from 10 s to 5 min. It is counted in the status, not in memory, so that a new leader
 * does not start to hammer.
 */
export const restartDelayMs = (failures: PodFailures | undefined, now: number): number => {
  if (failures === undefined || failures.count <= 1) return 0;
  const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures.count - 2, 10));
  const due = Date.parse(failures.lastTime) + delay;
  // A time that cannot be read, or lies in the future by a clock's error, must not hold a sandbox back for ever.
  return Number.isNaN(due) ? 0 : Math.min(delay, Math.max(0, due - now));
};

/** Counts each pod once, however often its failure is seen. */
export const countFailure = (
  status: SandboxStatus | undefined,
  { uid: podUid, why }: FailedPod,
  now: number,
): PodFailures => {
  const before = status?.podFailures;
  if (before?.podUid === podUid) return before;
  const readySince = status?.startedAt === undefined ? undefined : Date.parse(status.startedAt);
  const forgiven = readySince !== undefined && now - readySince >= FORGIVEN_AFTER_MS;
  const count = before === undefined || forgiven ? 1 : before.count + 1;
  return { count, podUid, lastTime: rfc3339(now), ...(why === '' ? {} : { why: shortened(why, MAX_WHY) }) };
};

/** What the schema takes. */
const MAX_WHY = 1024;
