import { z } from 'zod';
import { parseInput } from '../input-error.ts';
import { problemError } from '../problem.ts';
import { SIGNALS, TerminalSize } from '../processes/process-request.ts';

/** What a client says in a text message to a process that it is connected with. */
const ControlMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('signal'), signal: z.enum(SIGNALS) }),
  TerminalSize.extend({ type: z.literal('resize') }),
  z.strictObject({ type: z.literal('close_input') }),
]);
export type ControlMessage = z.infer<typeof ControlMessage>;

/** Throws the 422 for what is none. */
export const parseControlMessage = (data: Buffer): ControlMessage =>
  parseInput(ControlMessage, 'body', parseText(data));

/** Throws the 400 for what is no JSON. */
export const parseText = (data: Buffer): unknown => {
  try {
    return JSON.parse(data.toString('utf8'));
  } catch {
    throw problemError('bad-request', 'A text message must be JSON; bytes for the process go into binary messages');
  }
};
