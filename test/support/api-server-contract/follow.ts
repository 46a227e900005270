import type { KubeObject } from '../../../src/api/meta.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { withDeadline } from '../../../src/base/deadline.ts';
import type { KubeClient, ResourceType, Selection, WatchEvent } from '../../../src/kube/client.ts';

/** One watch, read event by event. */
export interface Followed {
  /** The next event that is no bookmark; undefined: the server has ended the watch. */
  readonly next: () => Promise<WatchEvent<KubeObject> | undefined>;
  /** The same, bookmarks as well. */
  readonly nextOfAny: () => Promise<WatchEvent<KubeObject> | undefined>;
  readonly stop: () => Promise<void>;
}

/** What hangs: a busy machine may take its time. */
const WAIT_MS = 60_000;

export const follow = (
  client: KubeClient,
  type: ResourceType,
  query: Selection & { readonly resourceVersion: string; readonly timeoutSeconds?: number },
): Followed => {
  const over = new AbortController();
  const watched = client.watch<KubeObject>(
    type,
    { timeoutSeconds: 120, ...query },
    { signal: over.signal, idleTimeoutMs: 2 * WAIT_MS },
  );
  const events: AsyncIterator<WatchEvent<KubeObject>, unknown> = watched[Symbol.asyncIterator]();
  const nextOfAny = async (): Promise<WatchEvent<KubeObject> | undefined> => {
    const patience = { what: 'the next event', ms: WAIT_MS };
    const result = await withDeadline(systemClock, patience, () => events.next());
    return result.done === true ? undefined : result.value;
  };
  return {
    nextOfAny,
    next: async () => {
      for (;;) {
        const event = await nextOfAny();
        if (event?.kind !== 'bookmark') return event;
      }
    },
    stop: async () => {
      over.abort();
      await events.return?.(undefined);
    },
  };
};

/** `added x`, for objects; what else there is by its kind. */
export const told = (event: WatchEvent<KubeObject> | undefined): string => {
  if (event === undefined) return 'the end';
  return 'object' in event ? `${event.kind} ${event.object.metadata.name}` : event.kind;
};
