import { isUtf8 } from 'node:buffer';
import type { Frame } from '../../sandboxd/protocol/frames.ts';
import type { OutputGap, ProcessEnd, ProcessInfo } from '../../sandboxd/protocol/process.ts';
import {
  representEnd,
  representProcess,
  type EndRepresentation,
  type ProcessRepresentation,
} from './process-representation.ts';
import { type Cursor, formatCursor, OUTPUT_STREAMS, type OutputStream } from './cursor.ts';
import { incompleteTail } from './whole-characters.ts';

/** Bytes as JSON can carry them: text, or base64 of what is no UTF-8. */
export interface OutputData {
  readonly data: string;
  readonly encoding?: 'base64';
}

/** One thing that a reader hears. `cursor` is where to go on after it. */
export type OutputEvent =
  | { readonly type: 'start'; readonly cursor: string; readonly content: ProcessRepresentation }
  | { readonly type: OutputStream; readonly cursor: string; readonly content: OutputData }
  | { readonly type: 'gap'; readonly cursor: string; readonly content: OutputGap }
  | { readonly type: 'end'; readonly cursor: string; readonly content: EndRepresentation }
  | { readonly type: 'keepalive'; readonly cursor: string };

/**
 * Turns frames into events, from a cursor on. A character that comes in two frames is handed out as one; what is held
 * back for that is in the cursor of every event, so a reader that goes on from any of them misses no byte and gets none
 * twice.
 */
export const makeOutputReader = (from: Cursor): ((frame: Frame) => readonly OutputEvent[]) => {
  const held: Record<OutputStream, Buffer> = { stdout: EMPTY, stderr: EMPTY, pty: EMPTY, ...from.held };
  let { offset } = from;
  const here = (): string => formatCursor({ offset, held });

  const take = (stream: OutputStream, payload: Buffer): readonly OutputEvent[] => {
    const bytes = held[stream].length === 0 ? payload : Buffer.concat([held[stream], payload]);
    const whole = bytes.length - incompleteTail(bytes);
    held[stream] = Buffer.from(bytes.subarray(whole));
    return whole === 0 ? [] : [{ type: stream, cursor: here(), content: outputData(bytes.subarray(0, whole)) }];
  };
  /** What is held back will not become a character any more. */
  const release = (): readonly OutputEvent[] =>
    OUTPUT_STREAMS.filter((stream) => held[stream].length > 0).map((stream) => {
      const bytes = held[stream];
      held[stream] = EMPTY;
      return { type: stream, cursor: here(), content: outputData(bytes) };
    });

  return (frame) => {
    switch (frame.type) {
      case 'start':
        return [{ type: 'start', cursor: here(), content: representProcess(payloadOf(frame) as ProcessInfo) }];
      case 'stdout':
      case 'stderr':
      case 'pty':
        offset = frame.offset + frame.payload.length;
        return take(frame.type, frame.payload);
      case 'gap': {
        const released = release();
        const gap = payloadOf(frame) as OutputGap;
        offset = gap.to;
        return [...released, { type: 'gap', cursor: here(), content: { from: gap.from, to: gap.to } }];
      }
      case 'end': {
        const released = release();
        return [...released, { type: 'end', cursor: here(), content: representEnd(payloadOf(frame) as ProcessEnd) }];
      }
      case 'keepalive':
        return [{ type: 'keepalive', cursor: here() }];
      default:
        return frame.type satisfies never;
    }
  };
};

const EMPTY = Buffer.alloc(0);

export const outputData = (bytes: Buffer): OutputData =>
  isUtf8(bytes) ? { data: bytes.toString('utf8') } : { data: bytes.toString('base64'), encoding: 'base64' };

const payloadOf = ({ payload }: Frame): unknown => JSON.parse(payload.toString('utf8'));
