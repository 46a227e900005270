import type { Clock } from './clock.ts';

/**
 * A reason to abort what is needed no more. It is there already: the one that Node makes has a stack, and takes eight
 * times as long as the rest of it.
 */
export const FINISHED = new Error('finished in time');

/** What a deadline throws when it runs out. `message` names what was waited for and for how long. */
export class DeadlineError extends Error {
  constructor(what: string, ms: number) {
    super(`${what} did not finish within ${ms} ms`);
    this.name = 'DeadlineError';
  }
}

export interface Deadline {
  /** What is waited for, for the message: `GET /api/v1/pods`. */
  readonly what: string;
  /** Milliseconds. */
  readonly ms: number;
  /** The caller's own signal; its reason is passed on. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `work` with a signal that aborts when the deadline is over or the caller's signal does, and rejects at that
 * moment even if `work` does not listen. Rejects with a DeadlineError, with the caller's reason, or with what `work`
 * threw. Leaves neither timer nor listener behind (AbortSignal.any would keep a long-lived signal's followers).
 */
export const withDeadline = async <T>(
  clock: Clock,
  deadline: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  deadline.signal?.throwIfAborted();
  const inner = new AbortController();
  const finished = new AbortController();
  const stopped = Promise.withResolvers<never>();
  const stop = (reason: unknown): void => {
    inner.abort(reason);
    stopped.reject(reason);
  };
  const onAbort = (): void => stop(deadline.signal?.reason);
  deadline.signal?.addEventListener('abort', onAbort, { once: true });
  clock.sleep(deadline.ms, finished.signal).then(
    () => stop(new DeadlineError(deadline.what, deadline.ms)),
    () => undefined,
  );
  try {
    return await Promise.race([work(inner.signal), stopped.promise]);
  } finally {
    finished.abort(FINISHED);
    deadline.signal?.removeEventListener('abort', onAbort);
    // `stopped` may still be rejected by nobody: it stays pending and is collected.
  }
};
