import type { Clock } from '../../base/clock.ts';
import { DaemonError } from '../../sandboxd/protocol/problem.ts';
import type { Frame } from '../../sandboxd/protocol/frames.ts';
import type { OutputGap } from '../../sandboxd/protocol/process.ts';
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
  readonly frames: AsyncIterable<Frame>;
}

/**
 * The frames of a process up to its `end`, also when the connection to its daemon breaks on the way: it is read on from
 * the byte where it broke. Throws what the daemon says (`not_found`: it was started again, and knows of no process from
 * before), and DaemonUnreachable where it does not answer any more.
 */
export async function* followOutput(
  { processes, clock }: { readonly processes: Pick<DaemonProcesses, 'output'>; readonly clock: Clock },
  { target, id, offset, frames }: FollowedProcess,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  let cursor = offset;
  let breaks = 0;
  let started = false;
  let current = frames;
  for (;;) {
    try {
      for await (const frame of current) {
        // Said again by each connection.
        if (frame.type !== 'start' || !started) yield frame;
        started ||= frame.type === 'start';
        if (frame.type === 'end') return;
        const next = cursorAfter(frame, cursor);
        if (next > cursor) breaks = 0;
        cursor = next;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DaemonError || breaks >= MAX_BREAKS) throw error;
    }
    // A stream that ends without `end` is a broken one as well.
    breaks += 1;
    if (breaks > MAX_BREAKS) throw new DaemonError('unavailable', 'the output of the process broke off');
    await clock.sleep(PAUSE_MS, signal);
    current = await processes.output(target, id, { cursor, follow: true }, signal);
  }
}

const cursorAfter = ({ type, offset, payload }: Frame, before: number): number => {
  if (type === 'gap') return (JSON.parse(payload.toString('utf8')) as OutputGap).to;
  return type === 'stdout' || type === 'stderr' || type === 'pty' ? offset + payload.length : before;
};
