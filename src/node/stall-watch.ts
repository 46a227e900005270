import type { Clock } from '../base/clock.ts';
import type { SessionFailure } from './session-failure.ts';
import type { StorageVerdict } from './storage-watch.ts';

export interface StallWatch {
  readonly clock: Clock;
  /** How the storage is doing, asked now. */
  readonly probeStorage: () => Promise<StorageVerdict>;
  /** Grows with everything that the work gets done. */
  readonly progress: () => number;
  readonly onStall: (failure: SessionFailure) => void;
}

/** A request that is answered at all is answered sooner than this. */
const STALL_MS = 10_000;

/**
 * Runs `work`, and says why it does not get on when it does not: a server that drops packets is known to be gone only
 * after minutes of retries, and whoever waits for a sandbox wants to know before. Slow work on a good storage is none of
 * its business.
 */
export const withStallWatch = async <T>(watch: StallWatch, work: () => Promise<T>): Promise<T> => {
  const done = new AbortController();
  const watching = look(watch, done.signal);
  try {
    return await work();
  } finally {
    done.abort();
    await watching;
  }
};

const look = async (watch: StallWatch, done: AbortSignal): Promise<void> => {
  for (let before = watch.progress(); !done.aborted; before = watch.progress()) {
    await watch.clock.sleep(STALL_MS, done).catch(() => undefined);
    if (done.aborted || watch.progress() !== before) continue;
    const verdict = await Promise.race([watch.probeStorage(), aborted(done)]);
    if (verdict === undefined || verdict.ok || done.aborted) continue;
    watch.onStall({ reason: SESSION_REASONS[verdict.reason], message: verdict.message });
  }
};

const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));

const SESSION_REASONS = {
  BucketNotFound: 'BucketNotFound',
  Forbidden: 'StorageForbidden',
  Unreachable: 'StorageUnreachable',
  NoConditionalWrites: 'InternalError',
  Failed: 'InternalError',
} as const;
