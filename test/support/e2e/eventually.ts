import { systemClock } from '../../../src/base/clock.ts';
import { errorMessage } from '../../../src/base/errors.ts';

export interface EventuallyOptions {
  /** Milliseconds until it gives up. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds between two probes. */
  readonly everyMs?: number;
}

/**
 * Asks again until `probe` resolves with something other than `undefined` and `false`; a probe that throws counts as
 * "not yet". For what cannot be watched; a Kubernetes object is better waited for with `watchUntil`. Rejects at the
 * deadline with `what` and the last answer or error.
 */
export const eventually = async <T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  { deadlineMs, signal, everyMs = 250 }: EventuallyOptions,
): Promise<T> => {
  const giveUpAt = systemClock.monotonic() + deadlineMs;
  let last: string;
  do {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
      last = 'the last answer was no';
    } catch (error) {
      last = `the last error was: ${errorMessage(error)}`;
    }
    await systemClock.sleep(everyMs, signal);
  } while (systemClock.monotonic() < giveUpAt);
  throw new Error(`not within ${deadlineMs / 1000} s: ${what}; ${last}`);
};
