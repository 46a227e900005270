import type { Frame } from '../../sandboxd/protocol/frames.ts';
import { type Cursor, OUTPUT_STREAMS, type OutputStream } from './cursor.ts';

export const RAW_TYPE = 'application/octet-stream';

/**
 * The bytes of a process's output from a cursor on, of all its streams in the order in which they came. Throws where
 * bytes were dropped: in a stream of nothing but bytes nobody would see it.
 */
export async function* rawOutput(from: Cursor, frames: AsyncIterable<Frame>): AsyncGenerator<Buffer> {
  for (const stream of OUTPUT_STREAMS) {
    const held = from.held[stream];
    if (held !== undefined) yield held;
  }
  for await (const { type, payload } of frames) {
    if (type === 'gap') throw new Error('output was dropped before it was read');
    if (type === 'stdout' || type === 'stderr' || type === 'pty') yield payload;
  }
}

/** The bytes of some streams alone, without the first `skip` of them. Throws as above. */
export async function* rawStreams(
  streams: readonly OutputStream[],
  skip: number,
  frames: AsyncIterable<Frame>,
): AsyncGenerator<Buffer> {
  let left = skip;
  for await (const { type, payload } of frames) {
    if (type === 'gap') throw new Error('output was dropped before it was read');
    if (!(streams as readonly string[]).includes(type)) continue;
    if (payload.length > left) yield payload.subarray(left);
    left = Math.max(0, left - payload.length);
  }
}
