import type { Clock } from '../../base/clock.ts';

/** So many at once, and so many a second on average. */
export interface RatePolicy {
  /** What the headers call it. */
  readonly name: string;
  readonly perSecond: number;
  readonly burst: number;
}

export interface RateVerdict {
  readonly allowed: boolean;
  /** How many more at this moment. */
  readonly remaining: number;
  /** Until all of `burst` is there again; where nothing is left, until there is one. */
  readonly resetMs: number;
}

/**
 * Token buckets by subject, in the memory of this process: each replica counts on its own. Kept as the generic cell rate
 * algorithm does, one number each: when the bucket will be full again. A full bucket is not kept at all.
 */
export interface RateLimiter {
  /** Counts one, if it is allowed. */
  readonly take: (subject: string, policy: RatePolicy) => RateVerdict;
  /** What `take` would say. */
  readonly peek: (subject: string, policy: RatePolicy) => RateVerdict;
}

/** A few megabytes. Beyond it the longest known are forgotten first: whoever has that many addresses is not held by this. */
const MAX_SUBJECTS = 20_000;

export const makeRateLimiter = (clock: Pick<Clock, 'monotonic'>, maxSubjects = MAX_SUBJECTS): RateLimiter => {
  const fullAt = new Map<string, number>();

  const makeRoom = (now: number): void => {
    for (const [subject, at] of fullAt) if (at <= now) fullAt.delete(subject);
    for (const subject of fullAt.keys()) {
      if (fullAt.size < maxSubjects) return;
      fullAt.delete(subject);
    }
  };

  const judge = (subject: string, { perSecond, burst }: RatePolicy, now: number): RateVerdict & { full: number } => {
    const each = 1000 / perSecond;
    const before = Math.max(fullAt.get(subject) ?? now, now);
    const after = before + each;
    const waitMs = after - now - burst * each;
    // Half a microsecond is a rounding error of the sums above.
    if (waitMs > 0.0005) return { allowed: false, remaining: 0, resetMs: waitMs, full: before };
    const remaining = Math.floor((burst * each - (after - now)) / each + 1e-6);
    return { allowed: true, remaining, resetMs: remaining === 0 ? each : after - now, full: after };
  };

  return {
    peek: (subject, policy) => verdict(judge(subject, policy, clock.monotonic())),
    take: (subject, policy) => {
      const now = clock.monotonic();
      const judged = judge(subject, policy, now);
      if (judged.allowed) {
        if (fullAt.size >= maxSubjects && !fullAt.has(subject)) makeRoom(now);
        fullAt.set(subject, judged.full);
      }
      return verdict(judged);
    },
  };
};

const verdict = ({ allowed, remaining, resetMs }: RateVerdict): RateVerdict => ({ allowed, remaining, resetMs });
