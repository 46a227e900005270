import type { Duplex } from 'node:stream';

/**
 * Carries bytes between two connections, both ways, no faster than either takes them. One side's end is passed on as an
 * end, and the other way stays open; one side's failure ends both.
 */
export const joinStreams = (a: Duplex, b: Duplex): void => {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.once('close', () => {
      // What is still to be sent goes out; a side that closed without an end has failed.
      if (!from.readableEnded || from.errored !== null) to.destroy();
    });
  }
};
