import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/**
 * Writes to a channel (its stdout or stderr) and resolves when that has gone as far as backpressure reaches: the window
 * that the client gives, and the socket, as a client may give a window and read nothing. Rejects when `signal` aborts.
 */
export const writeToChannel = async (
  stream: Writable,
  bytes: Buffer,
  { socket, signal }: { readonly socket: Socket; readonly signal: AbortSignal },
): Promise<void> => {
  signal.throwIfAborted();
  // A channel that is being closed forgets what is written to it, and its callback.
  const closed = Promise.withResolvers<never>();
  const abort = (): void => closed.reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const written = new Promise<void>((resolve, reject) => {
      stream.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    await Promise.race([written, closed.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
  if (socket.writableNeedDrain) await once(socket, 'drain', { signal });
};
