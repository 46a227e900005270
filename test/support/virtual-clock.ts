import type { Clock } from '../../src/base/clock.ts';

export interface VirtualClock extends Clock {
  /** Moves time on by `ms` and wakes every sleeper on the way, in the order of their times, ties in the order they came. */
  readonly advance: (ms: number) => Promise<void>;
  /** Moves time to the next sleeper and wakes it; false where nobody sleeps. */
  readonly advanceToNext: () => Promise<boolean>;
  /** How many sleep now. A test that ends with sleepers has leaked a timer. */
  readonly sleepers: () => number;
  /** Milliseconds until each sleeper wakes, soonest first. */
  readonly pending: () => readonly number[];
  /** Resolves as soon as at least `count` sleep. */
  readonly waitForSleepers: (count: number) => Promise<void>;
}

interface Sleeper {
  readonly wakeAt: number;
  readonly wake: () => void;
}

/** A Clock that stands still until a test moves it. `now` starts at `start`, milliseconds since the epoch. */
export const makeVirtualClock = (start = Date.UTC(2026, 0, 1)): VirtualClock => {
  let elapsed = 0;
  let sleepers: readonly Sleeper[] = [];
  let waiting: readonly { readonly count: number; readonly resolve: () => void }[] = [];

  const remove = (sleeper: Sleeper): void => {
    sleepers = sleepers.filter((other) => other !== sleeper);
  };

  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        remove(sleeper);
        reject(signal?.reason as Error);
      };
      const sleeper: Sleeper = {
        wakeAt: elapsed + Math.max(0, ms),
        wake: () => {
          remove(sleeper);
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      sleepers = [...sleepers, sleeper].sort((a, b) => a.wakeAt - b.wakeAt);
      for (const waiter of waiting.filter(({ count }) => sleepers.length >= count)) waiter.resolve();
      waiting = waiting.filter(({ count }) => sleepers.length < count);
    });

  const wakeFirst = async (): Promise<void> => {
    const [first] = sleepers;
    if (first === undefined) return;
    elapsed = Math.max(elapsed, first.wakeAt);
    first.wake();
    await settle();
  };

  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    sleep,
    advance: async (ms) => {
      const end = elapsed + ms;
      await settle();
      while (sleepers[0] !== undefined && sleepers[0].wakeAt <= end) await wakeFirst();
      elapsed = end;
      await settle();
    },
    advanceToNext: async () => {
      await settle();
      if (sleepers.length === 0) return false;
      await wakeFirst();
      return true;
    },
    sleepers: () => sleepers.length,
    pending: () => sleepers.map(({ wakeAt }) => wakeAt - elapsed),
    waitForSleepers: (count) =>
      new Promise<void>((resolve) => {
        if (sleepers.length >= count) resolve();
        else waiting = [...waiting, { count, resolve }];
      }),
  };
};

/** Lets every promise that can settle without time or I/O do so: a macrotask runs only when no microtask is left. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
};
