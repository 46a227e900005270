import type { ServerResponse } from 'node:http';
import { encodeFrame, FRAME_HEADER_BYTES, type FrameType, jsonFrame, writeFrameHeader } from '../protocol/frames.ts';
import { FRAMES_TYPE, READER_SILENCE_MS } from '../protocol/names.ts';
import { DaemonError } from '../protocol/problem.ts';
import type { ManagedProcess } from './managed-process.ts';
import type { OutputReader } from './process-output.ts';
import type { NamedReaders } from './named-readers.ts';

export interface FramesRequest {
  readonly cursor: number;
  /** Whether to wait for what comes; otherwise only what is there is sent. */
  readonly follow: boolean;
  /** The name under which it acknowledges what it got. */
  readonly reader: string | undefined;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

const KEEPALIVE_MS = 15_000;
const LEAST_PAYLOAD = 4096;
const MOST_PAYLOAD = 64 << 10;

/** Answers with a process's output as frames, no faster than the client takes them. */
export const sendFrames = async (
  process: ManagedProcess,
  named: NamedReaders,
  { cursor, follow, reader: name, signal }: FramesRequest,
  response: ServerResponse,
): Promise<void> => {
  const reader = readFrom(process, cursor, name !== undefined);
  const send = (bytes: Buffer): Promise<void> => write(response, bytes, signal);
  let leave: (() => void) | undefined;
  try {
    if (name !== undefined) {
      leave = named.enter(process.id, name, reader, READER_SILENCE_MS, () => response.destroy());
    }
    response.writeHead(200, { 'Content-Type': FRAMES_TYPE });
    await send(encodeFrame(jsonFrame('start', cursor, process.info())));
    let frame: Buffer = Buffer.alloc(0);
    for (;;) {
      frame = withRoomFor(frame, reader.available());
      const piece = reader.next(frame.subarray(FRAME_HEADER_BYTES));
      if (piece.kind === 'bytes') {
        writeFrameHeader(frame, piece.stream, piece.offset, piece.length);
        await send(frame.subarray(0, FRAME_HEADER_BYTES + piece.length));
      } else if (piece.kind === 'gap') {
        await send(encodeFrame(jsonFrame('gap', piece.from, { from: piece.from, to: piece.to })));
      } else if (piece.kind === 'end') {
        await send(encodeFrame(jsonFrame('end', piece.offset, piece.end)));
        break;
      } else if (!follow) break;
      else if (!(await reader.wait(KEEPALIVE_MS, signal))) await send(emptyFrame('keepalive', piece.offset));
    }
    response.end();
  } finally {
    leave?.();
    reader.leave();
  }
};

const readFrom = (process: ManagedProcess, cursor: number, acknowledges: boolean): OutputReader => {
  try {
    return process.output.read({ cursor, acknowledges });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new DaemonError('out_of_range', `process ${process.id} has no byte ${cursor}: ${error.message}`, error);
  }
};

/** An array of the reader's own that is used again: what was sent before has been taken by the system. */
const withRoomFor = (frame: Buffer, available: number): Buffer => {
  const payload = frame.length - FRAME_HEADER_BYTES;
  if (payload >= Math.min(MOST_PAYLOAD, available)) return frame;
  const wanted = available > LEAST_PAYLOAD ? MOST_PAYLOAD : LEAST_PAYLOAD;
  return Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + wanted);
};

const emptyFrame = (type: FrameType, offset: number): Buffer => encodeFrame({ type, offset, payload: Buffer.alloc(0) });

/** Resolves when the system has taken the bytes. Rejects when the client has gone. */
export const write = (response: ServerResponse, bytes: Buffer | string, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    response.write(bytes, (error) => {
      signal.removeEventListener('abort', abort);
      if (error) reject(error);
      else resolve();
    });
  });
