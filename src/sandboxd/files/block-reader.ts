/** Reads a stream in pieces of one's own choice. */
export interface BlockReader {
  /** Exactly so many bytes; undefined where the stream is at its end. Throws a RangeError where it ends within them. */
  readonly take: (length: number) => Promise<Buffer | undefined>;
  /** So many bytes as they come. Throws a RangeError where the stream ends before. */
  readonly pass: (length: number) => AsyncGenerator<Buffer>;
  /** Reads to the end, for nothing. */
  readonly drain: () => Promise<void>;
}

export const makeBlockReader = (chunks: AsyncIterable<Buffer>): BlockReader => {
  const source = chunks[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);

  /** False at the end. */
  const fill = async (): Promise<boolean> => {
    const { done, value } = await source.next();
    if (done === true) return false;
    rest = value;
    return true;
  };
  const cut = (length: number): Buffer => {
    const piece = rest.subarray(0, length);
    rest = rest.subarray(length);
    return piece;
  };

  return {
    take: async (length) => {
      const pieces: Buffer[] = [];
      for (let missing = length; missing > 0;) {
        if (rest.length === 0 && !(await fill())) {
          if (missing === length) return undefined;
          throw new RangeError('the stream ends too early');
        }
        const piece = cut(missing);
        missing -= piece.length;
        pieces.push(piece);
      }
      const [first] = pieces;
      return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
    },
    pass: async function* (length) {
      for (let missing = length; missing > 0;) {
        if (rest.length === 0 && !(await fill())) throw new RangeError('the stream ends too early');
        const piece = cut(missing);
        missing -= piece.length;
        yield piece;
      }
    },
    drain: async () => {
      rest = Buffer.alloc(0);
      while (await fill()) rest = Buffer.alloc(0);
    },
  };
};
