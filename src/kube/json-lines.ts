/** Longer than any object the API server stores (etcd's 1.5 MiB limit), with room for managed fields. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Cuts a byte stream into lines, wherever its chunks end, even inside a UTF-8 sequence: bytes become text only once a
 * line is whole. Empty lines are left out. Throws a RangeError for a line over 16 MiB.
 */
export const makeLineSplitter = (): {
  readonly push: (chunk: Uint8Array) => readonly string[];
  /** Bytes of a line that has not ended. */
  readonly pending: () => number;
} => {
  let parts: Uint8Array[] = [];
  let size = 0;
  return {
    push: (chunk) => {
      const lines: string[] = [];
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        parts.push(chunk.subarray(start, end));
        const line = Buffer.concat(parts).toString('utf8');
        if (line.trim() !== '') lines.push(line);
        parts = [];
        size = 0;
        start = end + 1;
      }
      if (start < chunk.length) {
        parts.push(chunk.subarray(start));
        size += chunk.length - start;
      }
      if (size > MAX_LINE_BYTES) throw new RangeError(`a line is longer than ${MAX_LINE_BYTES} bytes`);
      return lines;
    },
    pending: () => size,
  };
};
