import type { ServerResponse } from 'node:http';
import type { FacadeContext } from './request-state.ts';

/**
 * Answers with chunks as they come, no faster than the client reads: one is asked for when the system has taken the one
 * before. Resolves when all are sent, or the client has gone. What the source throws cuts the connection, so that nobody
 * takes a part for the whole.
 */
export const streamAnswer = async (
  context: FacadeContext,
  contentType: string,
  chunks: AsyncIterable<string | Buffer>,
): Promise<void> => {
  const { res: response, state } = context;
  context.respond = false;
  context.status = 200;
  context.set('Content-Type', contentType);
  // Said to nginx and its kin, which would wait for more.
  context.set('X-Accel-Buffering', 'no');
  response.flushHeaders();
  try {
    for await (const chunk of chunks) await write(response, chunk, state.signal);
    response.end();
  } catch (error) {
    response.destroy();
    if (!state.signal.aborted) state.log.warn({ err: error }, 'a streamed answer broke off');
  }
};

/** Resolves when the system has taken the bytes. Rejects when the client has gone, or the server must stop. */
const write = (response: ServerResponse, bytes: string | Buffer, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (response.destroyed) signal.throwIfAborted();
    signal.addEventListener('abort', onAbort, { once: true });
    response.write(bytes, (error) => {
      signal.removeEventListener('abort', onAbort);
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
