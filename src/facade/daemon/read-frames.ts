import type { IncomingMessage } from 'node:http';
import { cursorAfter, decodeFrames, type Frame } from '../../sandboxd/protocol/frames.ts';
import { ACKNOWLEDGE_EVERY_BYTES, READER_SILENCE_MS } from '../../sandboxd/protocol/names.ts';
import type { ProcessInfo } from '../../sandboxd/protocol/process.ts';

/** Tells the daemon that all output of process `id` before `cursor` has arrived. */
export type Acknowledge = (id: string, cursor: number) => Promise<void>;

/**
 * The frames of an answer. A frame has arrived when the next is asked for, and the daemon is told so now and then: it
 * keeps what has not, in case this process ends and another reads on. The connection ends with the loop, however that
 * ends.
 */
export async function* readFrames(answer: IncomingMessage, acknowledge: Acknowledge): AsyncGenerator<Frame> {
  const said = makeAcknowledgments(acknowledge);
  try {
    for await (const frame of decodeFrames(answer)) {
      yield frame;
      said.arrived(frame);
    }
  } finally {
    said.stop();
    answer.destroy();
  }
}

/** Says that this reader still lives, also while nothing comes. */
const HEARTBEAT_MS = READER_SILENCE_MS / 3;

const makeAcknowledgments = (acknowledge: Acknowledge) => {
  let id: string | undefined;
  let cursor = 0;
  let acknowledged = 0;
  let saying = false;

  const say = async (): Promise<void> => {
    if (saying) return;
    saying = true;
    try {
      do {
        if (id === undefined) return;
        const until = cursor;
        await acknowledge(id, until);
        acknowledged = until;
      } while (isDue());
    } catch {
      // What ails the daemon, the frames' own connection says.
    } finally {
      saying = false;
    }
  };
  const isDue = (): boolean => cursor - acknowledged >= ACKNOWLEDGE_EVERY_BYTES;
  const heartbeat = setInterval(() => void say(), HEARTBEAT_MS);
  heartbeat.unref();

  return {
    arrived: (frame: Frame): void => {
      if (frame.type === 'start') {
        ({ id } = JSON.parse(frame.payload.toString('utf8')) as ProcessInfo);
        acknowledged = frame.offset;
      }
      cursor = cursorAfter(frame);
      if (isDue()) void say();
    },
    stop: (): void => {
      clearInterval(heartbeat);
      id = undefined;
    },
  };
};
