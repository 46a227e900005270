import type { BufferBudget } from './buffer-budget.ts';
import { makeOutputRuns, MAX_RUNS } from './output-runs.ts';

export type OutputStream = 'stdout' | 'stderr' | 'pty';

/**
 * The last bytes that a process wrote, in the order they were read, with the stream each belongs to. Offsets count all
 * bytes since the process began; those in [from, total) are there.
 *
 * It is a ring: byte n is at n modulo the capacity, which grows with what is written, up to `CAPACITY.most` where the
 * budget allows it, and always to `CAPACITY.granted`. Then the oldest bytes give way.
 */
export interface OutputBuffer {
  readonly from: () => number;
  readonly total: () => number;
  /** How many bytes of each stream were before `from`. */
  readonly dropped: () => Readonly<Record<OutputStream, number>>;
  readonly append: (stream: OutputStream, bytes: Uint8Array) => void;
  /** Makes sure that so many bytes can be appended without losing one at or behind `keepFrom`; false where it cannot. */
  readonly reserve: (bytes: number, keepFrom: number) => boolean;
  /** Copies bytes of one stream, from `cursor` in [from, total) on, into `target`: as many as there are and fit. */
  readonly read: (cursor: number, target: Uint8Array) => { readonly stream: OutputStream; readonly length: number };
  /** Nothing will be appended any more: keeps what is there in as much memory as it takes. */
  readonly seal: () => void;
  /** Forgets everything. */
  readonly release: () => void;
  /** Memory it takes, in bytes. */
  readonly size: () => number;
}

export const CAPACITY = Object.freeze({ least: 4096, granted: 128 << 10, most: 4 << 20 });

export const makeOutputBuffer = (budget: BufferBudget): OutputBuffer => {
  const runs = makeOutputRuns();
  let ring = new Uint8Array(0);
  let from = 0;
  let total = 0;
  const dropped: Record<OutputStream, number> = { stdout: 0, stderr: 0, pty: 0 };

  /** What a capacity costs the budget. */
  const cost = (capacity: number): number => Math.max(0, capacity - CAPACITY.granted);

  const resize = (capacity: number): void => {
    const next = new Uint8Array(capacity);
    for (let at = from; at < total;) {
      const source = at % ring.length;
      const length = Math.min(total - at, ring.length - source);
      put(next, at, ring.subarray(source, source + length));
      at += length;
    }
    ring = next;
  };

  const grow = (needed: number): void => {
    const wanted = Math.min(CAPACITY.most, powerOfTwo(Math.max(needed, CAPACITY.least)));
    for (let capacity = wanted; capacity > ring.length; capacity /= 2) {
      // Both exist for a moment, so the whole of the new one is taken first.
      if (cost(capacity) > 0 && !budget.take(cost(capacity))) continue;
      budget.give(cost(ring.length));
      resize(capacity);
      return;
    }
  };

  const dropBefore = (offset: number): void => {
    while (from < Math.min(offset, total)) {
      const run = runs.at(from);
      const end = Math.min(run.end, offset);
      dropped[run.stream] += end - from;
      from = end;
    }
    from = Math.max(from, offset);
    runs.dropBefore(from);
  };

  return {
    from: () => from,
    total: () => total,
    dropped: () => ({ ...dropped }),
    size: () => ring.length + runs.size(),
    append: (stream, bytes) => {
      if (bytes.length === 0) return;
      if (total - from + bytes.length > ring.length) grow(total - from + bytes.length);
      const kept = bytes.subarray(Math.max(0, bytes.length - ring.length));
      dropBefore(total + bytes.length - ring.length);
      // Of these bytes themselves, those that do not fit.
      dropped[stream] += bytes.length - kept.length;
      put(ring, total + bytes.length - kept.length, kept);
      total += bytes.length;
      runs.append(stream, total);
      if (runs.count() > MAX_RUNS) dropBefore(runs.endOfFirst());
    },
    reserve: (bytes, keepFrom) => {
      if (runs.countFrom(keepFrom) >= MAX_RUNS) return false;
      const needed = total - Math.max(keepFrom, from) + bytes;
      // What is granted is there when it is needed; what is not, another buffer could take meanwhile.
      if (needed > CAPACITY.granted && needed > ring.length) grow(needed);
      return needed <= Math.max(CAPACITY.granted, ring.length);
    },
    read: (cursor, target) => {
      const run = runs.at(cursor);
      const length = Math.min(run.end - cursor, target.length);
      const start = cursor % ring.length;
      const first = Math.min(length, ring.length - start);
      target.set(ring.subarray(start, start + first));
      target.set(ring.subarray(0, length - first), first);
      return { stream: run.stream, length };
    },
    seal: () => {
      const capacity = total - from;
      if (capacity === ring.length) return;
      budget.give(cost(ring.length) - cost(capacity));
      resize(capacity);
    },
    release: () => {
      dropBefore(total);
      budget.give(cost(ring.length));
      ring = new Uint8Array(0);
    },
  };
};

/** Writes bytes whose first has the given offset; there must be no more than the ring holds. */
const put = (ring: Uint8Array, offset: number, bytes: Uint8Array): void => {
  if (bytes.length === 0) return;
  const start = offset % ring.length;
  const first = bytes.subarray(0, ring.length - start);
  ring.set(first, start);
  ring.set(bytes.subarray(first.length), 0);
};

const powerOfTwo = (atLeast: number): number => 2 ** Math.ceil(Math.log2(atLeast));
