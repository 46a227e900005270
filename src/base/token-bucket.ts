import type { Clock } from './clock.ts';

/**
 * A token bucket: `burst` requests at once, `perSecond` on average. Callers are admitted in the order they came; the
 * promise rejects with the signal's reason when it is aborted while waiting.
 */
export const makeTokenBucket = (
  options: { readonly perSecond: number; readonly burst: number },
  clock: Clock,
): ((signal?: AbortSignal) => Promise<void>) => {
  let tokens = options.burst;
  let filledAt = clock.monotonic();
  return async (signal) => {
    const now = clock.monotonic();
    tokens = Math.min(options.burst, tokens + ((now - filledAt) / 1000) * options.perSecond);
    filledAt = now;
    // A debt is a reservation: whoever comes next waits behind it.
    tokens -= 1;
    if (tokens >= 0) return;
    try {
      await clock.sleep((-tokens / options.perSecond) * 1000, signal);
    } catch (error) {
      tokens += 1;
      throw error;
    }
  };
};
