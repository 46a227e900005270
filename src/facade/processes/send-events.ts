import type { Frame } from '../../sandboxd/protocol/frames.ts';
import { daemonProblem } from '../daemon/daemon-problem.ts';
import { toResponse } from '../middleware/answer-problems.ts';
import { ClientGone, type FacadeContext } from '../request-state.ts';
import { streamAnswer } from '../stream-answer.ts';
import type { Cursor } from './cursor.ts';
import { EVENT_STREAM_START, EVENT_STREAM_TYPE, eventText, problemText } from './event-stream.ts';
import { makeOutputReader } from './output-event.ts';

/** Answers with the events of a process's output from a cursor on. What goes wrong on the way is the last event. */
export const sendEvents = async (
  context: FacadeContext,
  sandbox: string,
  from: Cursor,
  frames: AsyncIterable<Frame>,
): Promise<void> => {
  const read = makeOutputReader(from);
  async function* events(): AsyncGenerator<string> {
    yield EVENT_STREAM_START;
    try {
      for await (const frame of frames) for (const event of read(frame)) yield eventText(event);
    } catch (error) {
      if (context.state.signal.reason instanceof ClientGone) return;
      yield problemText(toResponse(daemonProblem(error, sandbox)).problem);
    }
  }
  await streamAnswer(context, EVENT_STREAM_TYPE, events());
};
