import type { Readable } from 'node:stream';

/**
 * The whole body, copied once: into `into` if it fits, else into a buffer of its announced length. Throws where the connection ends early or sends
 * more than it announced; the stream is destroyed as soon as `signal` is aborted.
 */
export const readBody = async (
  stream: Readable,
  announced: number | undefined,
  signal: AbortSignal,
  into: Buffer | undefined,
): Promise<Buffer> => {
  const onAbort = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) onAbort();
    if (announced === undefined) return await collect(stream);
    const fits = into !== undefined && into.length >= announced;
    const body = fits ? into.subarray(0, announced) : Buffer.allocUnsafeSlow(announced);
    let filled = 0;
    for await (const piece of stream as AsyncIterable<Buffer>) {
      if (filled + piece.length > announced)
        throw new Error(`the answer is longer than the ${announced} bytes it announced`);
      filled += piece.copy(body, filled);
    }
    if (filled !== announced) throw new Error(`the answer ended after ${filled} of ${announced} bytes`);
    return body;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
};

const collect = async (stream: Readable): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
};
