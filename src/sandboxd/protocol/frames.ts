import type { OutputGap } from './process.ts';

/**
 * The output of a process as a stream of frames, so that a reader that was cut off goes on where it stopped:
 *
 *     type (1 byte) | offset (8 bytes, big-endian) | length (4 bytes, big-endian) | payload
 *
 * `offset` counts the bytes of all output of the process, of every kind, in the order they were read: the first byte of
 * the payload is the offset's. `start`, first in every stream, holds ProcessInfo; `gap` and `end` hold JSON as well, and
 * are where the cursor is. What to go on from after a frame: cursorAfter.
 */
export type FrameType = 'start' | 'stdout' | 'stderr' | 'pty' | 'gap' | 'keepalive' | 'end';

export interface Frame {
  readonly type: FrameType;
  readonly offset: number;
  readonly payload: Buffer;
}

/** Their order is the byte on the wire. */
const TYPES: readonly FrameType[] = ['start', 'stdout', 'stderr', 'pty', 'gap', 'keepalive', 'end'];
export const FRAME_HEADER_BYTES = 13;
/** No sender makes a larger one. */
export const MAX_PAYLOAD_BYTES = 1 << 20;

/** Writes the header of a frame whose payload follows it in the same array. */
export const writeFrameHeader = (target: Buffer, type: FrameType, offset: number, length: number): void => {
  target.writeUInt8(TYPES.indexOf(type), 0);
  target.writeBigUInt64BE(BigInt(offset), 1);
  target.writeUInt32BE(length, 9);
};

export const encodeFrame = ({ type, offset, payload }: Frame): Buffer => {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  writeFrameHeader(header, type, offset, payload.length);
  return payload.length === 0 ? header : Buffer.concat([header, payload]);
};

/** A frame whose payload is JSON: `start`, `gap`, `end`. */
export const jsonFrame = (type: 'start' | 'gap' | 'end', offset: number, value: unknown): Frame => ({
  type,
  offset,
  payload: Buffer.from(JSON.stringify(value)),
});

/** The cursor behind a frame: of bytes, their end; of a gap, its end. */
export const cursorAfter = ({ type, offset, payload }: Frame): number => {
  if (type === 'gap') return (JSON.parse(payload.toString('utf8')) as OutputGap).to;
  return type === 'stdout' || type === 'stderr' || type === 'pty' ? offset + payload.length : offset;
};

/** Takes a stream apart. Throws a RangeError for what is no frame and for a stream that ends within one. */
export async function* decodeFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      if (rest.length < FRAME_HEADER_BYTES) break;
      const type = TYPES[rest.readUInt8(0)];
      const length = rest.readUInt32BE(9);
      if (type === undefined || length > MAX_PAYLOAD_BYTES) throw new RangeError('the stream holds no frames');
      if (rest.length < FRAME_HEADER_BYTES + length) break;
      yield {
        type,
        offset: Number(rest.readBigUInt64BE(1)),
        payload: rest.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + length),
      };
      rest = rest.subarray(FRAME_HEADER_BYTES + length);
    }
  }
  if (rest.length > 0) throw new RangeError('the stream ends within a frame');
}
