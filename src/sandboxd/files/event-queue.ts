import type { FileEvent } from '../protocol/files.ts';

/**
 * What a watch has to tell and its reader has not yet taken. Bounded: beyond `limit` events all are dropped, and one
 * `overflow` in their place tells the reader to look anew.
 */
export interface EventQueue {
  readonly push: (events: readonly FileEvent[]) => void;
  /** Nothing comes any more; with a failure, `take` rejects with it once the rest is taken. */
  readonly end: (failure?: unknown) => void;
  /** All there is, waiting for something for `waitMs` at most; empty when nothing came, undefined at the end. */
  readonly take: (waitMs: number, signal: AbortSignal) => Promise<readonly FileEvent[] | undefined>;
}

export const makeEventQueue = (root: string, limit: number): EventQueue => {
  let waiting: FileEvent[] = [];
  let ended: { readonly failure?: unknown } | undefined;
  let wake: () => void = () => undefined;

  const awaitEvent = (waitMs: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      signal.addEventListener('abort', done, { once: true });
      wake = done;
    });

  return {
    push: (events) => {
      if (ended !== undefined || events.length === 0) return;
      const isFull = waiting.length + events.length > limit;
      if (isFull) waiting = [{ type: 'overflow', path: root }];
      else for (const event of events) if (!repeats(waiting.at(-1), event)) waiting.push(event);
      wake();
    },
    end: (failure) => {
      ended ??= failure === undefined ? {} : { failure };
      wake();
    },
    take: async (waitMs, signal) => {
      if (waiting.length === 0 && ended === undefined && waitMs > 0) await awaitEvent(waitMs, signal);
      signal.throwIfAborted();
      const taken = waiting;
      waiting = [];
      if (taken.length > 0 || ended === undefined) return taken;
      if ('failure' in ended) throw ended.failure;
      return undefined;
    },
  };
};

/** A file that is written in many small pieces changed once, for a reader that has not looked yet. */
const repeats = (last: FileEvent | undefined, event: FileEvent): boolean =>
  last !== undefined &&
  (event.type === 'changed' || event.type === 'overflow') &&
  last.type === event.type &&
  last.path === event.path;
