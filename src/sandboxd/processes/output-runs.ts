import type { OutputStream } from './output-buffer.ts';

/** More changes from one stream to the other are not kept: each takes memory of its own. */
export const MAX_RUNS = 16_384;

/** Which stream the bytes of an output belong to: runs of bytes of one stream, oldest first. */
export interface OutputRuns {
  /** The bytes since the last run's end, up to `end`. */
  readonly append: (stream: OutputStream, end: number) => void;
  readonly dropBefore: (offset: number) => void;
  /** The run that holds the byte. Throws a RangeError where none does. */
  readonly at: (offset: number) => { readonly stream: OutputStream; readonly end: number };
  readonly count: () => number;
  /** Runs that end behind `offset`. */
  readonly countFrom: (offset: number) => number;
  readonly endOfFirst: () => number;
  /** Memory, in bytes. */
  readonly size: () => number;
}

export const makeOutputRuns = (): OutputRuns => {
  // Two arrays of numbers and one-byte strings instead of objects, with a head: dropping the first moves nothing.
  let ends: number[] = [];
  let streams: OutputStream[] = [];
  let head = 0;

  /** The first run that ends behind `offset`. */
  const indexOf = (offset: number): number => {
    let low = head;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] as number) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  };

  return {
    append: (stream, end) => {
      if (ends.length > head && streams.at(-1) === stream) {
        ends[ends.length - 1] = end;
        return;
      }
      ends.push(end);
      streams.push(stream);
    },
    dropBefore: (offset) => {
      while (head < ends.length && (ends[head] as number) <= offset) head += 1;
      if (head < 1024 && head < ends.length) return;
      if (head * 2 < ends.length) return;
      ends = ends.slice(head);
      streams = streams.slice(head);
      head = 0;
    },
    at: (offset) => {
      const index = indexOf(offset);
      const stream = streams[index];
      const end = ends[index];
      if (stream === undefined || end === undefined) throw new RangeError(`byte ${offset} is not there`);
      return { stream, end };
    },
    count: () => ends.length - head,
    countFrom: (offset) => ends.length - indexOf(offset),
    endOfFirst: () => ends[head] ?? 0,
    size: () => ends.length * 16,
  };
};
