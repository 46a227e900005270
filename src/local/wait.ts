import type { Clock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';

export interface WaitOptions {
  readonly clock: Clock;
  /** What is waited for, as the error's subject: "the API server". */
  readonly what: string;
  /** Milliseconds. */
  readonly deadlineMs: number;
  readonly everyMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks `check` again and again until it gives something; what it throws counts as "not yet". Throws, with the last
 * reason, when `deadlineMs` have passed.
 */
export const waitFor = async <T>(check: () => Promise<T | undefined>, options: WaitOptions): Promise<T> => {
  const { clock, what, deadlineMs, everyMs = 250, signal } = options;
  const end = clock.monotonic() + deadlineMs;
  let last = 'no answer yet';
  for (;;) {
    signal?.throwIfAborted();
    try {
      const result = await check();
      if (result !== undefined) return result;
    } catch (error) {
      last = errorMessage(error);
    }
    if (clock.monotonic() >= end) {
      throw new Error(`${what} is not ready after ${Math.round(deadlineMs / 1000)} s: ${last}`);
    }
    await clock.sleep(everyMs, signal);
  }
};
