import type { Clock } from './clock.ts';

export interface CollectBuffersDeps {
  readonly clock: Clock;
  /** Bytes of all buffers of the process, those that nobody holds any more among them. */
  readonly bufferBytes: () => number;
  /** `minor`: only what is young, which takes a millisecond; `major`: all there is, some ten. */
  readonly collect: (kind: 'minor' | 'major') => void;
}

/** 150 MB a second are 7 MB in the time of a look. */
const EVERY_MS = 50;
const MOST_YOUNG = 8_000_000;
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
  /** The fewest seen since all were collected, and since the young ones were. */
  let live = bufferBytes();
  let young = live;
  while (!signal.aborted) {
    await clock.sleep(EVERY_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    const now = bufferBytes();
    live = Math.min(live, now);
    young = Math.min(young, now);
    if (now - live > MOST_GARBAGE) {
      collect('major');
      live = young = bufferBytes();
    } else if (now - young > MOST_YOUNG) {
      collect('minor');
      young = bufferBytes();
    }
  }
};
