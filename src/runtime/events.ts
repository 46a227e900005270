import { type BackoffPolicy, backoffDelay } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { FINISHED } from '../base/deadline.ts';
import { errorMessage } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { KubeClient, KubeObject } from '../kube/client.ts';
import { isKubeError } from '../kube/errors.ts';
import { EVENTS } from '../kube/resource-types.ts';
import { type EventRecord, eventObject, seriesKey } from './event-object.ts';
import { makeEventSeries } from './event-series.ts';
import { microTime } from './lease.ts';
import type { RuntimeLog } from './log.ts';
import { noMetrics, type RuntimeMetrics } from './metrics.ts';

export interface EventRecorderOptions {
  readonly client: Pick<KubeClient, 'create' | 'mergePatch'>;
  /** Whose events these are: `matrx.dev/controller`. */
  readonly reportingController: string;
  /** Which process: the pod's name. */
  readonly reportingInstance: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RuntimeLog;
  readonly metrics?: RuntimeMetrics;
}

/** Writes the story that `kubectl describe` and `kubectl events` show. */
export interface EventRecorder {
  /** Returns at once and never throws; an event that cannot be sent costs a log line, not a pass. */
  readonly record: (event: EventRecord) => void;
  /** Resolves when everything recorded so far, the counts of series too, has been sent or given up: at once, not by and by. */
  readonly flush: () => Promise<void>;
}

const MAX_WAITING = 10_000;
/**
 * Each event owes a pause of so many times as long as it took, and no longer than this: where the API server is busy,
 * telling of what happened would take from what happens. So much of it may be owed: a few events leave at once.
 */
const PAUSE_FACTOR = 5;
const LONGEST_PAUSE_MS = 500;
const OWED_MS = 2_000;
const MAX_ATTEMPTS = 4;
const BACKOFF: BackoffPolicy = { baseMs: 500, maxMs: 5000 };

/**
 * Repetitions (same object, reason, type, action and note) become the `series` of the first event; an object gets 25
 * events at once and one more each five minutes after that, the limits of Kubernetes' own components. Events leave one
 * after another in the background, the more slowly the busier the API server is, each with the time at which it
 * happened; when ten thousand wait (the API server is away), further ones are dropped.
 */
export const makeEventRecorder = (options: EventRecorderOptions): EventRecorder => {
  const { client, clock, random, log, metrics = noMetrics } = options;
  const series = makeEventSeries(clock);
  const waiting: (() => Promise<void>)[] = [];
  let restUntil = clock.monotonic();
  let sending: Promise<void> | undefined;
  let hurry = new AbortController();

  const discard = (reason: string, event: EventRecord): void => {
    metrics.count('events_discarded_total', { reason });
    log.debug({ object: event.regarding.metadata.name, reason: event.reason }, `event not sent: ${reason}`);
  };

  const objectOf = (event: EventRecord): KubeObject =>
    eventObject(event, options, { eventTime: microTime(clock.now()), suffix: random.hex(8) });

  const create = async (object: KubeObject, key: string): Promise<void> => {
    const created = await client.create<KubeObject>(EVENTS, object.metadata.namespace ?? '', object);
    series.begun(key, { namespace: created.metadata.namespace ?? '', name: created.metadata.name });
  };

  const update = async (event: EventRecord, key: string): Promise<void> => {
    const due = series.due(key);
    if (due === undefined) return;
    if (due.ref === undefined) {
      await create(objectOf(event), key);
      series.sent(key, due.count);
      return;
    }
    const patch = { series: { count: due.count, lastObservedTime: microTime(due.lastObservedAt) } };
    try {
      await client.mergePatch({ type: EVENTS, ...due.ref }, patch);
      series.sent(key, due.count);
    } catch (error) {
      if (!isKubeError(error, 'NotFound')) throw error;
      // Events live for an hour: the first of this series is gone, so it starts over.
      await create(objectOf(event), key);
    }
  };

  const attempt = async (event: EventRecord, send: () => Promise<void>): Promise<void> => {
    for (let tried = 1; ; tried++) {
      try {
        return await send();
      } catch (error) {
        const retryable = isKubeError(error, 'Unreachable', 'Timeout', 'ServerError', 'TooManyRequests');
        if (!retryable || tried === MAX_ATTEMPTS) {
          log.warn({ object: event.regarding.metadata.name, err: error }, `event not sent: ${errorMessage(error)}`);
          metrics.count('events_discarded_total', { reason: 'failed' });
          return;
        }
        const retryAfterMs = isKubeError(error) ? (error.retryAfterMs ?? 0) : 0;
        await clock.sleep(retryAfterMs + backoffDelay(BACKOFF, tried - 1, random));
      }
    }
  };

  /** When no more of the pauses of the events before is owed than may be, or there is a hurry: that time. */
  const rested = async (): Promise<number> => {
    const leftMs = restUntil - OWED_MS - clock.monotonic();
    if (leftMs > 0) await clock.sleep(leftMs, hurry.signal).catch(() => undefined);
    return clock.monotonic();
  };

  const sendAll = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const startedAt = await rested();
      await next();
      const pauseMs = Math.min(LONGEST_PAUSE_MS, (clock.monotonic() - startedAt) * PAUSE_FACTOR);
      restUntil = Math.max(restUntil, startedAt) + pauseMs;
    }
    sending = undefined;
  };

  const enqueue = (event: EventRecord, send: () => Promise<void>): void => {
    if (waiting.length >= MAX_WAITING) {
      discard('backlog', event);
      return;
    }
    waiting.push(() => attempt(event, send));
    sending ??= sendAll();
  };

  return {
    record: (event) => {
      try {
        const key = seriesKey(event);
        const verdict = series.observe(key, event);
        if (verdict === 'limited') discard('limited', event);
        else if (verdict === 'first') {
          const object = objectOf(event);
          enqueue(event, () => create(object, key));
        } else if (verdict === 'due') enqueue(event, () => update(event, key));
      } catch (error) {
        log.error({ err: error }, `event not recorded: ${errorMessage(error)}`);
      }
    },
    flush: async () => {
      for (const { key, event } of series.unsent()) enqueue(event, () => update(event, key));
      hurry.abort(FINISHED);
      await sending;
      hurry = new AbortController();
    },
  };
};
