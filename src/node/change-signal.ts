import type { Clock } from '../base/clock.ts';
import { DeadlineError, withDeadline } from '../base/deadline.ts';

/** Wakes whoever waits for something to become true. */
export interface ChangeSignal {
  /** Every waiter looks again. */
  readonly notify: () => void;
  /**
   * Resolves with true as soon as `condition` holds, with false after `ms` milliseconds. Rejects with the signal's
   * reason when it is aborted.
   */
  readonly until: (condition: () => boolean, ms: number, signal?: AbortSignal) => Promise<boolean>;
}

export const makeChangeSignal = (clock: Clock): ChangeSignal => {
  const waiters = new Set<() => void>();
  const next = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        waiters.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      waiters.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  const until: ChangeSignal['until'] = async (condition, ms, signal) => {
    if (condition()) return true;
    try {
      await withDeadline(clock, { what: 'the wait', ms, signal }, async (inner) => {
        while (!condition() && !inner.aborted) await next(inner);
      });
      return true;
    } catch (error) {
      if (error instanceof DeadlineError) return false;
      throw error;
    }
  };
  return {
    notify: () => {
      for (const wake of waiters) wake();
    },
    until,
  };
};
