import type { Clock } from '../base/clock.ts';
import { FINISHED } from '../base/deadline.ts';
import { makeMinHeap } from './min-heap.ts';

export interface DelayLine {
  /** Of several delays of one key the earliest counts, and the highest priority. */
  readonly put: (key: string, priority: number, afterMs: number) => void;
  readonly remove: (key: string) => void;
  /** Forgets every key and its timer. */
  readonly close: () => void;
}

/** A Node timer overflows at 2^31 ms and then fires at once; a longer delay is slept in pieces. */
const LONGEST_SLEEP_MS = 2 ** 30;

interface Entry {
  readonly key: string;
  readonly priority: number;
  readonly at: number;
}

/** Calls `onDue` for each key when its time has come, with one timer for all of them. */
export const makeDelayLine = (clock: Clock, onDue: (key: string, priority: number) => void): DelayLine => {
  // The map is the truth; a heap entry that is not the map's own is out of date and is skipped.
  const entries = new Map<string, Entry>();
  const heap = makeMinHeap<Entry>((a, b) => a.at < b.at);
  let alarm: { readonly at: number; readonly abort: AbortController } | undefined;

  const ring = (): void => {
    const now = clock.monotonic();
    for (let next = heap.peek(); next !== undefined && next.at <= now; next = heap.peek()) {
      heap.pop();
      if (entries.get(next.key) !== next) continue;
      entries.delete(next.key);
      onDue(next.key, next.priority);
    }
  };

  const setAlarm = (): void => {
    const at = heap.peek()?.at;
    if (at === undefined || (alarm !== undefined && alarm.at <= at)) return;
    alarm?.abort.abort(FINISHED);
    const abort = new AbortController();
    alarm = { at, abort };
    const wake = async (): Promise<void> => {
      await clock.sleep(Math.min(LONGEST_SLEEP_MS, Math.max(0, at - clock.monotonic())), abort.signal);
      alarm = undefined;
      ring();
      setAlarm();
    };
    wake().catch(() => undefined);
  };

  return {
    put: (key, priority, afterMs) => {
      const held = entries.get(key);
      const at = Math.min(clock.monotonic() + afterMs, held?.at ?? Infinity);
      const higher = Math.max(priority, held?.priority ?? priority);
      if (held !== undefined && held.at === at && held.priority === higher) return;
      const entry = { key, priority: higher, at };
      entries.set(key, entry);
      heap.push(entry);
      setAlarm();
    },
    remove: (key) => {
      entries.delete(key);
    },
    close: () => {
      entries.clear();
      while (heap.pop() !== undefined);
      alarm?.abort.abort(FINISHED);
      alarm = undefined;
    },
  };
};
