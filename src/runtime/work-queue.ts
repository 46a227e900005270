import { type BackoffPolicy, backoffDelay } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { makeDelayLine } from './delay-line.ts';
import { noMetrics, type RuntimeMetrics } from './metrics.ts';
import { makeMinHeap } from './min-heap.ts';

/** Higher goes first. */
export const Priority = { Request: 100, Change: 0, Initial: -100 } as const;

export interface AddOptions {
  /** Priority.Change unless given; of two adds of a key the higher counts. */
  readonly priority?: number;
  /** Milliseconds from now. Of several adds of a key the earliest counts. */
  readonly afterMs?: number;
}

export interface WorkQueueOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics?: RuntimeMetrics;
  /** 50 ms doubling to 60 s unless given. */
  readonly backoff?: BackoffPolicy;
}

/**
 * Keys that wait for a worker. A key is in one of these states:
 *
 * - absent: `add` makes it ready, or delayed.
 * - delayed: waits for its time. An earlier `add` pulls it forward, a later one changes nothing. → ready.
 * - ready: waits for a worker; more adds change nothing but its priority. `take` → processing.
 * - processing: one worker has it, nobody else can get it. An `add` now, or a delay that runs out, marks it.
 *   `done` → ready if it was marked, delayed if it was added with a delay meanwhile, otherwise absent.
 */
export interface WorkQueue {
  readonly add: (key: string, options?: AddOptions) => void;
  /** Adds with the key's next backoff delay, and at least `atLeastMs`. Returns the delay in milliseconds. */
  readonly retry: (key: string, atLeastMs?: number) => number;
  /** The key's backoff starts from the beginning. */
  readonly forget: (key: string) => void;
  /** The next key, as soon as there is one; undefined once the queue is closed. Give it back with `done`. */
  readonly take: () => Promise<string | undefined>;
  readonly done: (key: string) => void;
  /** Takes no more keys and gives none out. Resolves when the last worker has given its key back. */
  readonly close: () => Promise<void>;
  /** Ready keys. */
  readonly depth: () => number;
  /** Keys now worked on and for how many milliseconds each. */
  readonly processing: () => readonly { readonly key: string; readonly forMs: number }[];
}

const DEFAULT_BACKOFF: BackoffPolicy = Object.freeze({ baseMs: 50, maxMs: 60_000 });

interface Ready {
  readonly key: string;
  readonly priority: number;
  readonly sequence: number;
  readonly since: number;
}

const goesBefore = (a: Ready, b: Ready): boolean =>
  a.priority === b.priority ? a.sequence < b.sequence : a.priority > b.priority;

export const makeWorkQueue = (options: WorkQueueOptions): WorkQueue => {
  const { name, clock, random, metrics = noMetrics, backoff = DEFAULT_BACKOFF } = options;
  // The map is the truth; a heap entry that is not the map's own is out of date and is skipped.
  const ready = new Map<string, Ready>();
  const heap = makeMinHeap(goesBefore);
  const processing = new Map<string, number>();
  const marked = new Map<string, number>();
  const attempts = new Map<string, number>();
  const takers: ((key: string | undefined) => void)[] = [];
  const emptied = Promise.withResolvers<void>();
  let sequence = 0;
  let closed = false;

  const popReady = (): Ready | undefined => {
    for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) {
      if (ready.get(entry.key) === entry) return entry;
    }
    return undefined;
  };

  const handOut = (): void => {
    while (takers.length > 0) {
      const entry = popReady();
      if (entry === undefined) return;
      ready.delete(entry.key);
      const now = clock.monotonic();
      processing.set(entry.key, now);
      metrics.observe('workqueue_queue_duration_seconds', { name }, (now - entry.since) / 1000);
      takers.shift()?.(entry.key);
    }
  };

  const enter = (key: string, priority: number): void => {
    const held = ready.get(key);
    if (held !== undefined && held.priority >= priority) return;
    if (held === undefined) metrics.count('workqueue_adds_total', { name });
    const entry = { key, priority, sequence: held?.sequence ?? sequence++, since: held?.since ?? clock.monotonic() };
    ready.set(key, entry);
    heap.push(entry);
    handOut();
  };

  const addNow = (key: string, priority: number): void => {
    delays.remove(key);
    if (processing.has(key)) marked.set(key, Math.max(priority, marked.get(key) ?? priority));
    else enter(key, priority);
  };
  const delays = makeDelayLine(clock, addNow);

  const add: WorkQueue['add'] = (key, { priority = Priority.Change, afterMs = 0 } = {}) => {
    if (closed) return;
    if (afterMs <= 0) addNow(key, priority);
    else if (!ready.has(key) && !marked.has(key)) delays.put(key, priority, afterMs);
  };

  const running: WorkQueue['processing'] = () =>
    [...processing].map(([key, since]) => ({ key, forMs: clock.monotonic() - since }));

  metrics.sample('workqueue_depth', { name }, () => ready.size);
  metrics.sample('workqueue_unfinished_work_seconds', { name }, () =>
    running().reduce((sum, { forMs }) => sum + forMs / 1000, 0),
  );
  metrics.sample('workqueue_longest_running_processor_seconds', { name }, () =>
    running().reduce((longest, { forMs }) => Math.max(longest, forMs / 1000), 0),
  );

  return {
    add,
    retry: (key, atLeastMs = 0) => {
      const attempt = attempts.get(key) ?? 0;
      attempts.set(key, attempt + 1);
      metrics.count('workqueue_retries_total', { name });
      const ms = Math.max(atLeastMs, backoffDelay(backoff, attempt, random));
      add(key, { afterMs: ms });
      return ms;
    },
    forget: (key) => {
      attempts.delete(key);
    },
    take: () => {
      if (closed) return Promise.resolve(undefined);
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      takers.push(resolve);
      handOut();
      return promise;
    },
    done: (key) => {
      const since = processing.get(key);
      if (since === undefined) throw new Error(`done(${key}): nobody has taken it`);
      processing.delete(key);
      metrics.observe('workqueue_work_duration_seconds', { name }, (clock.monotonic() - since) / 1000);
      const priority = marked.get(key);
      marked.delete(key);
      if (priority !== undefined && !closed) enter(key, priority);
      if (closed && processing.size === 0) emptied.resolve();
    },
    close: () => {
      closed = true;
      delays.close();
      for (const taker of takers.splice(0)) taker(undefined);
      if (processing.size === 0) emptied.resolve();
      return emptied.promise;
    },
    depth: () => ready.size,
    processing: running,
  };
};
