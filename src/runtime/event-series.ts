import type { Clock } from '../base/clock.ts';
import { type EventRecord, objectId } from './event-object.ts';

export interface EventName {
  readonly namespace: string;
  readonly name: string;
}

export interface DueCount {
  readonly ref: EventName | undefined;
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly lastObservedAt: number;
}

export interface EventSeries {
  /**
   * Counts an event. `first`: create it; `due`: the series' count is to be sent; `counted`: sent later; `limited`: the
   * object has had too many.
   */
  readonly observe: (key: string, event: EventRecord) => 'first' | 'due' | 'counted' | 'limited';
  /** The first event of the series exists under this name. */
  readonly begun: (key: string, ref: EventName) => void;
  /** The count to send; undefined where there is nothing new. Without `ref` the first event could not be created. */
  readonly due: (key: string) => DueCount | undefined;
  /** So many have been sent. */
  readonly sent: (key: string, count: number) => void;
  /** Series that were counted and not sent. */
  readonly unsent: () => readonly { readonly key: string; readonly event: EventRecord }[];
}

/** A series that was quiet for so long is over, and its next event a new one: client-go's limit. */
const SERIES_MS = 6 * 60_000;
/** How often a running series is written. */
const SEND_EVERY_MS = 30_000;
const OBJECT_BURST = 25;
const OBJECT_REFILL_MS = 300_000;
/** Bounds the memory, not the meaning: what was seen longest ago goes first. */
const MAX_KEPT = 4096;

interface Series {
  readonly event: EventRecord;
  ref: EventName | undefined;
  count: number;
  sentCount: number;
  sentAt: number;
  lastObservedAt: number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** Which events are repetitions, how many there were, and which object has had enough. */
export const makeEventSeries = (clock: Clock): EventSeries => {
  const series = new Map<string, Series>();
  const buckets = new Map<string, Bucket>();

  const admit = (object: string): boolean => {
    const now = clock.now();
    const bucket = buckets.get(object) ?? { tokens: OBJECT_BURST, filledAt: now };
    const tokens = Math.min(OBJECT_BURST, bucket.tokens + (now - bucket.filledAt) / OBJECT_REFILL_MS);
    const admitted = tokens >= 1;
    keep(buckets, object, { tokens: admitted ? tokens - 1 : tokens, filledAt: now });
    return admitted;
  };

  return {
    observe: (key, event) => {
      const now = clock.now();
      const known = series.get(key);
      if (known === undefined || now - known.lastObservedAt > SERIES_MS) {
        if (!admit(objectId(event.regarding))) return 'limited';
        keep(series, key, { event, ref: undefined, count: 1, sentCount: 1, sentAt: now, lastObservedAt: now });
        return 'first';
      }
      known.count += 1;
      known.lastObservedAt = now;
      keep(series, key, known);
      // The second one is news (it repeats); after that a number every half minute is enough.
      return known.count === 2 || now - known.sentAt >= SEND_EVERY_MS ? 'due' : 'counted';
    },
    begun: (key, ref) => {
      const known = series.get(key);
      if (known !== undefined) known.ref = ref;
    },
    due: (key) => {
      const known = series.get(key);
      if (known === undefined || known.sentCount === known.count) return undefined;
      return { ref: known.ref, count: known.count, lastObservedAt: known.lastObservedAt };
    },
    sent: (key, count) => {
      const known = series.get(key);
      if (known === undefined) return;
      known.sentCount = count;
      known.sentAt = clock.now();
    },
    unsent: () =>
      [...series].flatMap(([key, { event, count, sentCount }]) => (count === sentCount ? [] : [{ key, event }])),
  };
};

/** Puts an entry last, and drops the first where there are too many. */
const keep = <V>(entries: Map<string, V>, key: string, value: V): void => {
  entries.delete(key);
  entries.set(key, value);
  const [oldest] = entries.keys();
  if (entries.size > MAX_KEPT && oldest !== undefined) entries.delete(oldest);
};
