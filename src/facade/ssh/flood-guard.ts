import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** What a client may send on one channel before it is read (ssh2's window is 2 MiB), with some to spare. */
const MAX_UNREAD_BYTES = 4 * 1_048_576;
/** Of answers that the client does not read; what its channels send waits for the socket (./channel-writes.ts). */
const MAX_UNSENT_BYTES = 16 * 1_048_576;

export interface FloodGuard {
  readonly watch: (channel: Readable) => void;
}

/**
 * Looks after what ssh2 does not: that a client keeps to the window it was given, and that it reads the answers to what it
 * asks. Either would otherwise be kept in this process's memory without an end.
 */
export const guardFlood = (socket: Socket, onFlood: () => void): FloodGuard => {
  const channels = new Set<Readable>();
  socket.on('data', () => {
    const isFlooded =
      socket.writableLength > MAX_UNSENT_BYTES ||
      [...channels].some(({ readableLength }) => readableLength > MAX_UNREAD_BYTES);
    if (isFlooded) onFlood();
  });
  return {
    watch: (channel) => {
      channels.add(channel);
      channel.once('close', () => channels.delete(channel));
    },
  };
};
