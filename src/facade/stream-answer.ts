import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FacadeContext } from './request-state.ts';

/**
 * Answers with chunks as they come, no faster than the client reads. Resolves when all are sent, or the client has
 * gone. What the source throws cuts the connection, so that nobody takes a part for the whole.
 */
export const streamAnswer = async (
  context: FacadeContext,
  contentType: string,
  chunks: AsyncIterable<string | Buffer>,
): Promise<void> => {
  context.respond = false;
  context.status = 200;
  context.set('Content-Type', contentType);
  // Said to nginx and its kin, which would wait for more.
  context.set('X-Accel-Buffering', 'no');
  context.res.flushHeaders();
  try {
    await pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 1 }), context.res);
  } catch (error) {
    if (!context.state.signal.aborted) context.state.log.warn({ err: error }, 'a streamed answer broke off');
  }
};
