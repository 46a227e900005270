import type { Clock } from './clock.ts';

export interface CollectBuffersDeps {
  readonly clock: Clock;
  /** Bytes of all buffers of the process, those that nobody holds any more among them. */
  readonly bufferBytes: () => number;
  /** A full collection. */
  readonly collect: () => void;
}

const EVERY_MS = 200;
/** A collection takes some 10 ms of the heap of a facade: not more often than once for so much. */
const MOST_GARBAGE = 24_000_000;

/**
 * Until `signal` is aborted: collects the buffers of what has been relayed before they are many. V8 lets 64 MB of them lie,
 * because they are hardly anything on its own heap, and gives them to the allocator, which keeps what it once had: a
 * process through which large files pass would stay twice as large.
 */
export const collectBuffers = async (
  { clock, bufferBytes, collect }: CollectBuffersDeps,
  signal: AbortSignal,
): Promise<void> => {
  let live = bufferBytes();
  while (!signal.aborted) {
    await clock.sleep(EVERY_MS, signal).catch(() => undefined);
    const now = bufferBytes();
    live = Math.min(live, now);
    if (signal.aborted || now - live <= MOST_GARBAGE) continue;
    collect();
    live = bufferBytes();
  }
};
