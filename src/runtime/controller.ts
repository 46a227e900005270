import type { BackoffPolicy } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { DeadlineError, FINISHED } from '../base/deadline.ts';
import { errorMessage } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { isKubeError } from '../kube/errors.ts';
import type { HealthCheck } from './health.ts';
import type { RuntimeLog } from './log.ts';
import { noMetrics, type RuntimeMetrics } from './metrics.ts';
import { type AddOptions, makeWorkQueue } from './work-queue.ts';

/** How a pass ended. Throwing is `error`. */
export type ReconcileResult =
  | { readonly kind: 'done' }
  /** Well, but look again after so many milliseconds at the latest. */
  | { readonly kind: 'requeueAfter'; readonly ms: number }
  /** Tried again with backoff. */
  | { readonly kind: 'error'; readonly error: unknown }
  /** Not tried again before something changes. */
  | { readonly kind: 'terminal'; readonly error: unknown };

export interface PassContext {
  /** Aborts when the pass has used up its time or the process must end now. */
  readonly signal: AbortSignal;
  /** Names this pass in logs. */
  readonly reconcileId: string;
}

export type Reconcile = (key: string, context: PassContext) => Promise<ReconcileResult>;

export interface ControllerOptions {
  readonly name: string;
  readonly reconcile: Reconcile;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RuntimeLog;
  readonly metrics?: RuntimeMetrics;
  /** How many keys at a time; 4 unless given. */
  readonly workers?: number;
  /** Milliseconds a pass may take; 60,000 unless given. */
  readonly passTimeoutMs?: number;
  readonly backoff?: BackoffPolicy;
}

/**
 * Runs `reconcile` for keys that were enqueued: N at a time, never two of one key. A pass that ignores its signal keeps
 * its key (a second one beside it could undo its writes) and shows up in `check`.
 */
export interface Controller {
  readonly name: string;
  readonly enqueue: (key: string, options?: AddOptions) => void;
  readonly start: () => void;
  /** No new passes; resolves when those under way have ended. After `graceMs` their signal is aborted. */
  readonly stop: (graceMs: number) => Promise<void>;
  /** Fails when a pass does not come back long after its deadline: only a restart helps. */
  readonly check: HealthCheck;
}

const STUCK_GRACE_MS = 120_000;

export const makeController = (options: ControllerOptions): Controller => {
  const { name, reconcile, clock, random, log, metrics = noMetrics, backoff } = options;
  const { workers = 4, passTimeoutMs = 60_000 } = options;
  const queue = makeWorkQueue({ name, clock, random, metrics, ...(backoff !== undefined && { backoff }) });
  const stopping = new AbortController();
  let active = 0;
  let running: Promise<unknown> = Promise.resolve();

  const runPass = async (key: string, reconcileId: string): Promise<ReconcileResult> => {
    const abort = new AbortController();
    const onStop = (): void => abort.abort(stopping.signal.reason);
    const ended = new AbortController();
    stopping.signal.addEventListener('abort', onStop, { once: true });
    clock.sleep(passTimeoutMs, ended.signal).then(
      () => {
        metrics.count('controller_runtime_reconcile_timeouts_total', { controller: name });
        return abort.abort(new DeadlineError(`the pass of ${name} for ${key}`, passTimeoutMs));
      },
      () => undefined,
    );
    try {
      return await reconcile(key, { signal: abort.signal, reconcileId });
    } catch (error) {
      if (isProgrammingError(error)) {
        metrics.count('controller_runtime_reconcile_panics_total', { controller: name });
      }
      return { kind: 'error', error };
    } finally {
      ended.abort(FINISHED);
      stopping.signal.removeEventListener('abort', onStop);
    }
  };

  const settle = (key: string, reconcileId: string, result: ReconcileResult, durationMs: number): void => {
    const fields = { controller: name, key, reconcileId, result: result.kind, durationMs: Math.round(durationMs) };
    switch (result.kind) {
      case 'done':
        queue.forget(key);
        log.debug(fields, 'pass done');
        return;
      case 'requeueAfter':
        queue.forget(key);
        queue.add(key, { afterMs: Math.max(1, result.ms) });
        log.debug({ ...fields, afterMs: result.ms }, 'pass done');
        return;
      case 'error': {
        const { error } = result;
        const retryMs = queue.retry(key, isKubeError(error) ? error.retryAfterMs : 0);
        const isFault = !saysLookAgain(error);
        if (isFault) metrics.count('controller_runtime_reconcile_errors_total', { controller: name });
        const level = isFault && !isKubeError(error, 'Aborted') ? 'warn' : 'debug';
        log[level]({ ...fields, retryMs: Math.round(retryMs), err: error }, `pass failed: ${errorMessage(error)}`);
        return;
      }
      case 'terminal':
        queue.forget(key);
        metrics.count('controller_runtime_terminal_reconcile_errors_total', { controller: name });
        log.error({ ...fields, err: result.error }, `pass failed for good: ${errorMessage(result.error)}`);
        return;
    }
  };

  const work = async (): Promise<void> => {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      const startedAt = clock.monotonic();
      const reconcileId = random.hex(4);
      active += 1;
      const result = await runPass(key, reconcileId);
      active -= 1;
      const durationMs = clock.monotonic() - startedAt;
      metrics.observe('controller_runtime_reconcile_time_seconds', { controller: name }, durationMs / 1000);
      metrics.count('controller_runtime_reconcile_total', { controller: name, result: labelOf(result) });
      settle(key, reconcileId, result, durationMs);
      queue.done(key);
    }
  };

  metrics.sample('controller_runtime_max_concurrent_reconciles', { controller: name }, () => workers);
  metrics.sample('controller_runtime_active_workers', { controller: name }, () => active);

  return {
    name,
    enqueue: queue.add,
    start: () => {
      running = Promise.all(Array.from({ length: workers }, work));
    },
    stop: async (graceMs) => {
      const drained = queue.close();
      const done = new AbortController();
      clock.sleep(graceMs, done.signal).then(
        () => stopping.abort(new Error(`${name} is stopping`)),
        () => undefined,
      );
      await drained;
      done.abort(FINISHED);
      await running;
    },
    check: {
      name: `controller ${name}`,
      check: () => {
        const stuck = queue.processing().filter(({ forMs }) => forMs > passTimeoutMs + STUCK_GRACE_MS);
        if (stuck.length === 0) return { ok: true, message: `${active} of ${workers} workers busy` };
        const keys = stuck.map(({ key, forMs }) => `${key} (${Math.round(forMs / 1000)} s)`).join(', ');
        return { ok: false, message: `passes do not come back: ${keys}` };
      },
    },
  };
};

/** How optimistic locking says that the view was old: two who write the same object meet, and no alert is to wake anybody. */
const saysLookAgain = (error: unknown): boolean => isKubeError(error, 'Conflict');

const labelOf = (result: ReconcileResult): string =>
  result.kind === 'error' && saysLookAgain(result.error) ? 'requeue' : RESULT_LABEL[result.kind];

const RESULT_LABEL = {
  done: 'success',
  requeueAfter: 'requeue_after',
  error: 'error',
  terminal: 'terminal',
} as const;

const isProgrammingError = (error: unknown): boolean =>
  error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
