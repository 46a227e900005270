/** Buffers that are used again and again by one operation, and freed with it. */
export interface BufferPool {
  /** A buffer of at least `bytes`, with anything in it. */
  readonly take: (bytes: number) => Buffer;
  readonly give: (buffer: Buffer) => void;
}

/**
 * Fresh buffers of megabytes are freed when the collector comes by, which is long after they are needed: a file of
 * 1 GB then takes hundreds of megabytes on its way. All buffers have one size; larger ones are made to measure.
 */
export const makeBufferPool = (size: number): BufferPool => {
  const free: Buffer[] = [];
  return {
    take: (bytes) => (bytes > size ? Buffer.allocUnsafeSlow(bytes) : (free.pop() ?? Buffer.allocUnsafeSlow(size))),
    give: (buffer) => {
      if (buffer.length === size) free.push(buffer);
    },
  };
};
