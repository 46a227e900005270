import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import type { FacadeContext } from './request-state.ts';

export interface RelayedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Readable;
}

/**
 * Answers with the bytes of another answer as they come, no faster than the client reads. Resolves when all are sent, or
 * the client has gone. Where the source breaks off, so does the answer: nobody takes a part for the whole.
 */
export const relayAnswer = async (context: FacadeContext, { status, headers, body }: RelayedAnswer): Promise<void> => {
  const { res: response, state } = context;
  context.respond = false;
  context.status = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (context.method === 'HEAD' || status === 304) {
    body.destroy();
    response.end();
    return;
  }
  // Of a length that is known the head goes with the first bytes.
  if (!response.hasHeader('content-length')) response.flushHeaders();
  // Whichever side fails first, the other is ended by it.
  body.once('error', (error) => {
    if (!state.signal.aborted) state.log.warn({ err: error }, 'an answer from a sandbox broke off');
  });
  try {
    await pipeline(body, response);
  } catch {
    response.destroy();
  }
};
