import type { Random } from './random.ts';

export interface BackoffPolicy {
  /** Milliseconds before the second attempt. */
  readonly baseMs: number;
  /** No delay is longer than this. */
  readonly maxMs: number;
}

/**
 * Exponential backoff with equal jitter: half of the delay is fixed, half random, so that many waiters spread out
 * and none comes back at once. `attempt` counts from 0. Returns milliseconds.
 */
export const backoffDelay = (policy: BackoffPolicy, attempt: number, random: Random): number => {
  const ceiling = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(attempt, 30));
  return ceiling / 2 + (ceiling / 2) * random.float();
};
