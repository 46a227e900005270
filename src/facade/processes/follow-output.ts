import type { Clock } from '../../base/clock.ts';
import { DaemonError } from '../../sandboxd/protocol/problem.ts';
import { cursorAfter, type Frame } from '../../sandboxd/protocol/frames.ts';
import type { DaemonTarget } from '../daemon/connections.ts';
import type { DaemonProcesses } from '../daemon/processes.ts';

/** How often in a row a connection may break without a single byte in between. */
const MAX_BREAKS = 3;
const PAUSE_MS = 100;

export interface FollowedProcess {
  readonly target: DaemonTarget;
  readonly id: string;
  /** Where `frames` begins. */
  readonly offset: number;
  /** Of the first connection. */
  readonly frames: AsyncIterable<Frame>;
}

/**
 * The frames of a process up to its `end`, also when the connection to its daemon breaks on the way: it is read on from
 * the byte where it broke. Asking for the next frame says that the last one has been handed on. Throws what the daemon
 * says (`not_found`: it was started again, and knows of no process from before), and DaemonUnreachable where it does not
 * answer any more.
 */
export async function* followOutput(
  { processes, clock }: { readonly processes: Pick<DaemonProcesses, 'output'>; readonly clock: Clock },
  { target, id, offset, frames }: FollowedProcess,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  let cursor = offset;
  let current = frames;
  let breaks = 0;
  let started = false;
  for (;;) {
    try {
      for await (const frame of current) {
        const next = Math.max(cursor, cursorAfter(frame));
        if (next > cursor) breaks = 0;
        cursor = next;
        // `start` is said again by each connection.
        if (frame.type !== 'start' || !started) yield frame;
        started ||= frame.type === 'start';
        if (frame.type === 'end') return;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DaemonError) throw error;
    }
    // A stream that ends without `end` is a broken one as well.
    breaks += 1;
    if (breaks > MAX_BREAKS) throw new DaemonError('unavailable', 'the output of the process broke off');
    await clock.sleep(PAUSE_MS, signal);
    current = await processes.output(target, id, { cursor, follow: true }, signal);
  }
}
