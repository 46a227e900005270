import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { KubeClient, KubeObject, ResourceType, Selection, WatchEvent } from '../kube/client.ts';
import { KubeError, type KubeErrorReason } from '../kube/errors.ts';
import type { ChangeOrigin, StoreChange } from './change.ts';
import { listAll } from './list-all.ts';
import type { RuntimeLog } from './log.ts';
import { noMetrics, type RuntimeMetrics } from './metrics.ts';
import { objectKey } from './object-key.ts';
import { isOlder, newerOf } from './resource-version.ts';
import type { Store } from './store.ts';

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Pick<KubeClient, 'list' | 'watch'>;
  readonly type: ResourceType;
  readonly selection: Selection;
  readonly store: Pick<Store<T>, 'get' | 'put' | 'remove' | 'replaceAll'>;
  /** Must not throw. */
  readonly onChanges: (changes: readonly StoreChange<T>[], origin: ChangeOrigin) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RuntimeLog;
  readonly metrics?: RuntimeMetrics;
  /** Milliseconds after which the next end of a watch is followed by a list, to find what events were lost. */
  readonly resyncMs?: number | undefined;
}

/**
 * Keeps a store equal to the API server's state, for as long as `run` runs. Its states:
 *
 * - listing: fetches everything; what the store has and the list lacks is a deletion. → watching. Failure → waiting.
 * - watching: each event moves the resource version on. Its regular end (about every 290 s) → watching from there, or
 *   listing where a resync is due. 410 → listing. Any other failure → waiting.
 * - waiting: backs off, 0.8 s doubling to 30 s with full jitter, never less than the server's Retry-After. → watching
 *   from the same version, or listing where the server has refused three times in a row: the version may be what is wrong.
 *
 * The backoff starts over only after a watch has lived for ten seconds; a server that accepts and ends each watch at
 * once would otherwise be asked tens of times a second.
 */
export interface Reflector {
  /** Ends when `signal` is aborted, and never throws. Call it once. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Resolves when the first complete list is in the store. */
  readonly synced: Promise<void>;
  /** Clock.monotonic of the last list, event or bookmark; undefined before the first. */
  readonly lastEventAt: () => number | undefined;
  /** Why it does not get on at present, for a readiness check. */
  readonly failure: () => string | undefined;
}

const WATCH_SECONDS = 290;
const IDLE_GRACE_MS = 5000;
const HEALTHY_AFTER_MS = 10_000;
const BACKOFF_BASE_MS = 800;
const BACKOFF_MAX_MS = 30_000;
const FAILURES_BEFORE_RELIST = 3;
/** They say nothing about the version that was asked for. */
const TRANSIENT: ReadonlySet<KubeErrorReason> = new Set(['Unreachable', 'Timeout', 'TooManyRequests']);

export const resourceName = (type: ResourceType): string =>
  type.group === '' ? type.plural : `${type.plural}.${type.group}`;

export const makeReflector = <T extends KubeObject>(options: ReflectorOptions<T>): Reflector => {
  const { client, type, selection, store, onChanges, clock, random, log, metrics = noMetrics, resyncMs } = options;
  const resource = resourceName(type);
  const synced = Promise.withResolvers<void>();
  /** Where the next watch starts; undefined: list first. */
  let version: string | undefined;
  /** The newest version ever seen, to know a list that is older. */
  let newest = '0';
  let rewoundOnce = false;
  let listReason: 'start' | 'expired' | 'failure' | 'resync' = 'start';
  let listedAt = 0;
  let lastEventAt: number | undefined;
  let attempt = 0;
  let failure: string | undefined;

  const sign = (): void => {
    lastEventAt = clock.monotonic();
    failure = undefined;
  };

  const list = async (signal: AbortSignal): Promise<void> => {
    metrics.count('informer_relists_total', { resource, reason: listReason });
    const { items, resourceVersion } = await listAll<T>(client, type, selection, signal);
    const rewound = isOlder(resourceVersion, newest);
    // A server that lags behind gives one old list; one that was restored from a backup gives nothing else.
    if (rewound && !rewoundOnce) {
      rewoundOnce = true;
      throw new KubeError('ServerError', `the list is of version ${resourceVersion}, but ${newest} was seen before`);
    }
    rewoundOnce = false;
    const changes = store.replaceAll(items, resourceVersion, rewound);
    if (listReason === 'resync' && changes.length > 0) {
      metrics.count('informer_cache_misses_total', { resource }, changes.length);
      log.warn({ resource, changes: changes.length }, 'a resync found changes that no event had brought');
    }
    const origin = lastEventAt === undefined ? 'initial' : 'relist';
    version = resourceVersion;
    newest = resourceVersion;
    listedAt = clock.monotonic();
    sign();
    onChanges(changes, origin);
    synced.resolve();
  };

  const accept = (event: WatchEvent<T>): void => {
    sign();
    if (event.kind === 'error') throw errorOf(event);
    const seen = event.kind === 'bookmark' ? event.resourceVersion : (event.object.metadata.resourceVersion ?? '');
    if (seen !== '') version = newest = newerOf(version ?? seen, seen);
    if (event.kind === 'bookmark') return;
    const held = store.get(objectKey(event.object));
    if (isOlder(seen, held?.metadata.resourceVersion)) metrics.count('informer_stale_events_total', { resource });
    onChanges(event.kind === 'deleted' ? store.remove(event.object) : store.put(event.object), 'watch');
  };

  const watch = async (resourceVersion: string, signal: AbortSignal): Promise<void> => {
    const timeoutSeconds = Math.round(WATCH_SECONDS * (0.9 + 0.2 * random.float()));
    const idleTimeoutMs = timeoutSeconds * 1000 + IDLE_GRACE_MS;
    const query = { ...selection, resourceVersion, timeoutSeconds };
    for await (const event of client.watch<T>(type, query, { signal, idleTimeoutMs })) accept(event);
    if (resyncMs === undefined || clock.monotonic() - listedAt < resyncMs) return;
    version = undefined;
    listReason = 'resync';
  };

  /** One list or watch. Returns the milliseconds to wait before the next. */
  const step = async (signal: AbortSignal): Promise<number> => {
    const startedAt = clock.monotonic();
    const watching = version !== undefined;
    try {
      await (version === undefined ? list(signal) : watch(version, signal));
      if (watching && clock.monotonic() - startedAt < HEALTHY_AFTER_MS) return nextDelay();
      if (watching) attempt = 0;
      return 0;
    } catch (error) {
      if (signal.aborted) return 0;
      if (watching && clock.monotonic() - startedAt >= HEALTHY_AFTER_MS) attempt = 0;
      return failed(error);
    }
  };

  const failed = (error: unknown): number => {
    const cause = error instanceof KubeError ? error : new KubeError('ServerError', String(error), { cause: error });
    metrics.count('informer_watch_failures_total', { resource, reason: cause.reason });
    const expired = cause.reason === 'Gone';
    // The first expiry is everyday life after a long pause; only one that repeats has to wait.
    const firstExpiry = expired && attempt === 0;
    const backoffMs = (cause.retryAfterMs ?? 0) + nextDelay();
    const delayMs = firstExpiry ? 0 : backoffMs;
    const refused = !TRANSIENT.has(cause.reason) && attempt >= FAILURES_BEFORE_RELIST;
    if (version !== undefined && (expired || refused)) {
      version = undefined;
      listReason = expired ? 'expired' : 'failure';
    }
    failure = explain(cause, resource);
    log[expired ? 'info' : 'warn']({ resource, reason: cause.reason, delayMs }, failure);
    return delayMs;
  };

  const nextDelay = (): number =>
    random.float() * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt++, 16));

  metrics.sample('informer_last_event_age_seconds', { resource }, () =>
    lastEventAt === undefined ? 0 : (clock.monotonic() - lastEventAt) / 1000,
  );

  return {
    run: async (signal) => {
      while (!signal.aborted) {
        const delayMs = await step(signal);
        if (delayMs > 0) await clock.sleep(delayMs, signal).catch(() => undefined);
      }
    },
    synced: synced.promise,
    lastEventAt: () => lastEventAt,
    failure: () => failure,
  };
};

const errorOf = (event: { readonly code: number; readonly reason: string; readonly message: string }): KubeError => {
  const expired = event.code === 410 || event.reason === 'Expired';
  return new KubeError(expired ? 'Gone' : 'ServerError', event.message, { code: event.code });
};

const explain = (error: KubeError, resource: string): string =>
  error.reason === 'NotFound'
    ? `the API server does not know ${resource}: install its CustomResourceDefinition (${error.message})`
    : error.message;
