import { backoffDelay, type BackoffPolicy } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { classify, storeError, type Failure, type Operation } from './failure.ts';

export interface AttemptPolicy {
  /** How often one call is sent at most. */
  readonly attempts: number;
  readonly backoff: BackoffPolicy;
  /** Milliseconds one attempt may take, on top of its bytes at `bytesPerSecond`. */
  readonly attemptMs: number;
  /** The slowest transfer that is still called alive. */
  readonly bytesPerSecond: number;
  /** Milliseconds the whole call may take. */
  readonly callMs: number;
}

/** S3 asks for a quick second try and then seconds of distance; five attempts ride out a partition split's 503s. */
export const DEFAULT_POLICY: AttemptPolicy = Object.freeze({
  attempts: 6,
  backoff: Object.freeze({ baseMs: 100, maxMs: 5_000 }),
  attemptMs: 20_000,
  bytesPerSecond: 500_000,
  callMs: 120_000,
});

export interface AttemptOptions {
  readonly operation: Operation;
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
  /** False for a compare-and-swap: after an attempt that may have been applied, only the caller can tell. */
  readonly repeatAmbiguous: boolean;
}

/** How a call ended that did not succeed: its last attempt. */
export interface Ending {
  readonly failure: Failure;
  readonly attempts: number;
  readonly cause: unknown;
}

export type Outcome<T> = { readonly ok: T } | { readonly ended: Ending };

/**
 * Sends one call until it succeeds, fails for good, or its deadline is over. Throws only for the caller's own abort
 * (StoreError `Aborted`).
 */
export const makeAttempts =
  (deps: { readonly clock: Clock; readonly random: Random; readonly policy: AttemptPolicy }) =>
  async <T>(options: AttemptOptions, send: (signal: AbortSignal) => Promise<T>): Promise<Outcome<T>> => {
    const { clock, random, policy } = deps;
    const { signal, operation } = options;
    const aborted = (attempts: number): Error =>
      storeError('Aborted', operation, 'the caller gave up', attempts, signal?.reason);
    const deadline = clock.monotonic() + policy.callMs;
    const attemptMs = policy.attemptMs + (options.bytes / policy.bytesPerSecond) * 1000;

    for (let attempt = 0; ; attempt++) {
      if (signal?.aborted) throw aborted(attempt);
      const timer = new AbortController();
      const limit = Math.max(1, Math.min(attemptMs, deadline - clock.monotonic()));
      const watch = new AbortController();
      void clock.sleep(limit, watch.signal).then(
        () => timer.abort(new Error(`no answer in ${Math.round(limit)} ms`)),
        () => undefined,
      );
      try {
        return { ok: await send(signal === undefined ? timer.signal : AbortSignal.any([signal, timer.signal])) };
      } catch (thrown) {
        if (signal?.aborted) throw aborted(attempt + 1);
        const failure = classify(thrown, timer.signal.aborted);
        const delay = backoffDelay(policy.backoff, attempt, random);
        const last = attempt + 1 >= policy.attempts || clock.monotonic() + delay >= deadline;
        if (!failure.retry || last || (failure.ambiguous && !options.repeatAmbiguous)) {
          return { ended: { failure, attempts: attempt + 1, cause: thrown } };
        }
        await clock.sleep(delay, signal).catch(() => undefined);
      } finally {
        watch.abort();
      }
    }
  };
