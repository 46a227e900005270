import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child.ts';
import type { ProcessOutput } from './process-output.ts';

/** How long nothing must have come, in milliseconds: `exec > >(tee log)` leaves a tee behind that has the last lines. */
const QUIET_MS = 100;
/** It is not waited longer for a process that was left behind and goes on writing. */
const PATIENCE_MS = 1000;
/** Nor for more: a pipe holds no more than this, so all that was in it when the program ended has been read. */
const MOST_BYTES = 1 << 20;
const STEP_MS = 10;

/**
 * Resolves when the output of a child whose program has ended is complete: when nobody holds it open any more, or what
 * still does has been given a short time. Only time in which the output is read counts, however slow its readers are.
 */
export const drainOutput = async (
  child: Pick<Child, 'outputEnded'>,
  output: Pick<ProcessOutput, 'total' | 'room'>,
): Promise<void> => {
  const over = child.outputEnded.then(() => true);
  const before = output.total();
  let read = before;
  let quiet = 0;
  for (let waited = 0; waited < PATIENCE_MS && quiet < QUIET_MS && read - before < MOST_BYTES; waited += STEP_MS) {
    if ((await Promise.race([over, output.room()])) === true) return;
    if ((await Promise.race([over, sleep(STEP_MS)])) === true) return;
    const total = output.total();
    quiet = total === read ? quiet + STEP_MS : 0;
    read = total;
  }
};
