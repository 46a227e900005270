import type { Clock } from '../base/clock.ts';

/** Milliseconds of synchronous work before others in the process get their turn. */
const TURN_MS = 5;

/**
 * `fs.*Sync` is about seven times faster than promises for small files, and one process holds many homes: long work
 * is cut into turns. Await the answer after every small step; it is undefined while the turn lasts.
 */
export const makeTurns = (clock: Clock): (() => Promise<void> | undefined) => {
  let start = clock.monotonic();
  return () => {
    if (clock.monotonic() - start < TURN_MS) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        start = clock.monotonic();
        resolve();
      });
    });
  };
};
