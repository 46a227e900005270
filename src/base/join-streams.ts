import type { Duplex } from 'node:stream';

/**
 * Carries bytes between two connections, both ways, no faster than either takes them. One side's end is passed on as an
 * end, and the other way stays open; one side's failure ends both, once what it had sent before its end has gone out.
 */
export const joinStreams = (a: Duplex, b: Duplex): void => {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.pipe(to);
    from.on('error', () => lose(from, to));
    from.once('close', () => {
      // What is still to be sent goes out; a side that closed without an end has failed.
      if (!from.readableEnded || from.errored !== null) lose(from, to);
    });
  }
};

/** `from` is not there any more. */
const lose = (from: Duplex, to: Duplex): void => {
  if (!from.readableEnded || to.writableFinished) return void to.destroy();
  // It had said all it wanted to, and nobody hears the answer.
  to.resume();
  to.once('finish', () => to.destroy());
};
