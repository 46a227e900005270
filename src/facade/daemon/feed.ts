import type { ClientRequest } from 'node:http';
import type { Readable } from 'node:stream';

/**
 * Sends a stream as the body of a request, no faster than the other side takes it. When the request ends before the
 * stream, the rest of the stream is read for nothing: who sends it can then read why. (stream.pipeline would destroy the
 * stream, and with it the connection that the refusal has to go back on.) When the stream breaks off, so does the request.
 */
export const feed = (stream: Readable, request: ClientRequest): void => {
  stream.pipe(request);
  const giveUp = (): void => {
    if (!stream.readableEnded) request.destroy(new Error('what was to be sent broke off'));
  };
  stream.once('error', giveUp);
  stream.once('close', giveUp);
  if (stream.destroyed) giveUp();
  request.once('close', () => {
    stream.off('error', giveUp);
    stream.off('close', giveUp);
    if (stream.readableEnded || stream.destroyed) return;
    stream.unpipe(request);
    stream.on('error', () => undefined);
    stream.resume();
  });
};
