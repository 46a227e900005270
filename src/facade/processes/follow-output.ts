import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { DaemonError } from '../../sandboxd/protocol/problem.ts';
import { cursorAfter, type Frame } from '../../sandboxd/protocol/frames.ts';
import type { DaemonTarget } from '../daemon/connections.ts';
import type { DaemonProcesses } from '../daemon/processes.ts';
import { makeAcknowledgements } from './acknowledgements.ts';

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
  /**
   * The name under which that connection reads. Then the daemon is told what has been handed on: a frame is, when the
   * next one is asked for. Undefined: nobody could take the output up, if this process ended.
   */
  readonly reader: string | undefined;
}

interface FollowDependencies {
  readonly processes: Pick<DaemonProcesses, 'output' | 'acknowledge'>;
  readonly clock: Clock;
  readonly random: Random;
}

export const newReader = ({ random }: Pick<FollowDependencies, 'random'>): string => random.hex(8);

/**
 * The frames of a process up to its `end`, also when the connection to its daemon breaks on the way: it is read on from
 * the byte where it broke. Throws what the daemon says (`not_found`: it was started again, and knows of no process from
 * before), and DaemonUnreachable where it does not answer any more.
 */
export async function* followOutput(
  dependencies: FollowDependencies,
  followed: FollowedProcess,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  const { target, id } = followed;
  let { offset: cursor, frames, reader } = followed;
  let breaks = 0;
  let started = false;
  for (;;) {
    try {
      for await (const frame of acknowledged(dependencies, { target, id, offset: cursor, frames, reader })) {
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
    await dependencies.clock.sleep(PAUSE_MS, signal);
    if (reader !== undefined) reader = newReader(dependencies);
    frames = await dependencies.processes.output(target, id, { cursor, follow: true, reader }, signal);
  }
}

/** The frames of one connection; each is acknowledged when the next one is asked for. */
async function* acknowledged(
  dependencies: FollowDependencies,
  { target, id, offset, frames, reader }: FollowedProcess,
): AsyncGenerator<Frame> {
  if (reader === undefined) {
    yield* frames;
    return;
  }
  const acknowledgements = makeAcknowledgements(dependencies, { target, id, reader, cursor: offset });
  try {
    for await (const frame of frames) {
      yield frame;
      acknowledgements.upTo(cursorAfter(frame));
    }
  } finally {
    acknowledgements.stop();
  }
}
