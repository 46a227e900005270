import type { Clock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { KubeClient, KubeObject, ResourceType, Selection } from '../kube/client.ts';
import type { ChangeHandler, ChangeOrigin, StoreChange } from './change.ts';
import { makeDelivery } from './delivery.ts';
import type { HealthCheck } from './health.ts';
import type { Indexers } from './indexes.ts';
import type { RuntimeLog } from './log.ts';
import { noMetrics, type RuntimeMetrics } from './metrics.ts';
import { makeReflector, resourceName } from './reflector.ts';
import { makeStore, type StoreReader } from './store.ts';

export interface Informer<T extends KubeObject, I extends string = never> {
  readonly resource: string;
  readonly store: StoreReader<T, I>;
  /**
   * Puts the answer to an own write into the store at once, so that the next pass sees it and does not repeat it. The
   * event that follows is known then, and changes nothing.
   */
  readonly put: (object: T) => void;
  /** What the store already holds comes as `added` right away. */
  readonly onChange: (handler: ChangeHandler<T>) => void;
  /** Fills the store and keeps it current until `signal` is aborted. Never throws. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Resolves when the store holds the first complete list and every handler has been told. */
  readonly synced: Promise<void>;
  readonly check: HealthCheck;
}

export interface InformerOptions<T extends KubeObject, I extends string> {
  readonly client: Pick<KubeClient, 'list' | 'watch'>;
  readonly type: ResourceType;
  readonly selection?: Selection;
  readonly indexers?: Indexers<T, I>;
  /** Drops what nobody reads, before it is cached. */
  readonly transform?: (object: T) => T;
  readonly resyncMs?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RuntimeLog;
  readonly metrics?: RuntimeMetrics;
}

/** A reflector, its store and the handlers of its changes. */
export const makeInformer = <T extends KubeObject, I extends string = never>(
  options: InformerOptions<T, I>,
): Informer<T, I> => {
  const { type, clock, random, log, metrics = noMetrics, transform } = options;
  const resource = resourceName(type);
  const indexers = options.indexers ?? ({} as Indexers<T, I>);
  const store = makeStore<T, I>({ indexers, ...(transform !== undefined && { transform }) });
  const delivery = makeDelivery<T>({ resource, clock, random, log, metrics });
  const deliver = (changes: readonly StoreChange<T>[], origin: ChangeOrigin): void => {
    for (const change of changes) delivery.deliver(change, origin);
  };
  const reflector = makeReflector<T>({
    ...options,
    selection: options.selection ?? {},
    store,
    onChanges: deliver,
    metrics,
  });
  let isSynced = false;
  const synced = reflector.synced.then(() => {
    isSynced = true;
    return undefined;
  });
  metrics.sample('informer_objects', { resource }, store.size);

  return {
    resource,
    store,
    put: (object) => {
      try {
        deliver(store.put(object), 'write');
      } catch (error) {
        // The write itself has succeeded; the watch will bring it.
        log.error({ resource, err: error }, `an own write could not be cached: ${errorMessage(error)}`);
      }
    },
    onChange: (handler) => {
      delivery.add(handler);
      for (const object of store.list()) delivery.deliverTo(handler, { kind: 'added', object }, 'initial');
    },
    run: async (signal) => {
      await reflector.run(signal);
      delivery.close();
    },
    synced,
    check: {
      name: `cache ${resource}`,
      check: () => ({
        ok: isSynced,
        message: reflector.failure() ?? (isSynced ? `${store.size()} objects` : 'waits for the first list'),
      }),
    },
  };
};
