import { systemClock } from '../../../src/base/clock.ts';
import { waitFor } from '../../../src/local/wait.ts';
import type { Bench } from './bench.ts';

/**
 * Resolves with the controller's writes so far, once it has nothing more to write: events follow what they tell of, twenty a
 * second, those of a block's end too.
 */
export const untilAtRest = async (bench: Bench): Promise<number> => {
  let last = -1;
  const count = async (): Promise<number | undefined> => {
    const now = (await bench.counted()).controllerWrites;
    if (now === last) return now;
    last = now;
    return undefined;
  };
  const what = "the end of the controller's writes";
  return waitFor(count, { clock: systemClock, what, deadlineMs: 600_000, everyMs: 1_500 });
};
