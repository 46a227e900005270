import type { KubeObject } from '../../../src/api/meta.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { WatchEvent } from '../../../src/kube/client.ts';
import type { ApiServer } from './api-server.ts';
import type { KindOfObject } from './kinds.ts';

export interface WatchedChanges {
  readonly kind: KindOfObject;
  /** Events come after this version. */
  readonly from: number;
  readonly selects: (object: KubeObject) => boolean;
  readonly signal: AbortSignal | undefined;
  /** With a clock the watch ends after so many seconds, a bookmark before that; without one it ends with `signal`. */
  readonly timeoutSeconds: number;
  readonly clock: Clock | undefined;
}

/** A server tells where it is so long before it ends a watch, in milliseconds. */
const BOOKMARK_BEFORE_END_MS = 2_000;

/** Every change of one kind, in order: what the server knows, as soon as it knows it. */
export async function* watchChanges<T extends KubeObject>(
  api: ApiServer,
  { kind, from, selects, signal, timeoutSeconds, clock }: WatchedChanges,
): AsyncGenerator<WatchEvent<T>> {
  if (from < api.oldest()) {
    const message = `too old resource version: ${from} (${api.oldest()})`;
    yield { kind: 'error', code: 410, reason: 'Expired', message };
    return;
  }
  const endsAt = (clock?.monotonic() ?? 0) + timeoutSeconds * 1000;
  const bookmarkAt = endsAt - BOOKMARK_BEFORE_END_MS;
  let hasTold = false;
  for (let version = from + 1; ; version++) {
    while (version >= api.history.length) {
      if (signal?.aborted === true) return;
      const now = clock?.monotonic() ?? 0;
      if (clock !== undefined && now >= bookmarkAt && !hasTold) {
        hasTold = true;
        if (version - 1 > from) yield { kind: 'bookmark', resourceVersion: String(version - 1) };
        continue;
      }
      if (clock !== undefined && now >= endsAt) return;
      await nextChange(api, signal, clock, (hasTold ? endsAt : bookmarkAt) - now);
    }
    yield* changesOf<T>(api, kind, version, selects);
  }
}

/** A selection makes of a change what it is for whoever sees only what is selected. */
function* changesOf<T extends KubeObject>(
  api: ApiServer,
  kind: KindOfObject,
  version: number,
  selects: (object: KubeObject) => boolean,
): Generator<WatchEvent<T>> {
  const before: ReadonlyMap<string, KubeObject> | undefined = api.history[version - 1]?.[kind];
  const after: ReadonlyMap<string, KubeObject> | undefined = api.history[version]?.[kind];
  if (before === after) return;
  for (const name of new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])) {
    const old = before?.get(name);
    const object = after?.get(name);
    if (old === object) continue;
    const was = old !== undefined && selects(old);
    if (object !== undefined && selects(object)) {
      yield { kind: was ? 'modified' : 'added', object: object as T };
    } else if (was) {
      const metadata = { ...(object ?? old).metadata, resourceVersion: String(version) };
      yield { kind: 'deleted', object: { ...(object ?? old), metadata } as T };
    }
  }
}

/** Resolves with the next change, after so many milliseconds, or when `signal` is aborted. */
const nextChange = (
  api: ApiServer,
  signal: AbortSignal | undefined,
  clock: Clock | undefined,
  ms: number,
): Promise<void> =>
  new Promise<void>((resolve) => {
    const over = new AbortController();
    const stop = (): void => {
      unsubscribe();
      over.abort();
      signal?.removeEventListener('abort', stop);
      resolve();
    };
    const unsubscribe = api.subscribe(stop);
    signal?.addEventListener('abort', stop, { once: true });
    clock?.sleep(Math.max(1, ms), over.signal).then(stop, () => undefined);
  });
