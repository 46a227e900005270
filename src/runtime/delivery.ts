import { backoffDelay } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { KubeObject } from '../kube/client.ts';
import type { ChangeHandler, ChangeOrigin, StoreChange } from './change.ts';
import type { RuntimeLog } from './log.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { objectKey } from './object-key.ts';

export interface Delivery<T extends KubeObject> {
  readonly add: (handler: ChangeHandler<T>) => void;
  readonly deliver: (change: StoreChange<T>, origin: ChangeOrigin) => void;
  readonly deliverTo: (handler: ChangeHandler<T>, change: StoreChange<T>, origin: ChangeOrigin) => void;
  /** Gives up what waits to be delivered again. */
  readonly close: () => void;
}

const MAX_ATTEMPTS = 8;
const BACKOFF = { baseMs: 100, maxMs: 30_000 };

/**
 * Tells handlers of changes. A handler that throws costs neither the other handlers their change nor itself: the
 * change comes to it again, up to eight times. (client-node's informer lets the error escape, which ends the process,
 * and never repeats the event.)
 */
export const makeDelivery = <T extends KubeObject>(options: {
  readonly resource: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RuntimeLog;
  readonly metrics: RuntimeMetrics;
}): Delivery<T> => {
  const { resource, clock, random, log, metrics } = options;
  const handlers: ChangeHandler<T>[] = [];
  const closing = new AbortController();

  const attemptDelivery = (
    handler: ChangeHandler<T>,
    change: StoreChange<T>,
    origin: ChangeOrigin,
    attempt: number,
  ): void => {
    try {
      handler(change, origin);
    } catch (error) {
      const key = objectKey(change.object);
      metrics.count('controller_runtime_reconcile_panics_total', { controller: resource });
      log.error({ resource, key, attempt, err: error }, `a handler threw: ${errorMessage(error)}`);
      if (attempt >= MAX_ATTEMPTS) return;
      const again = (): void => attemptDelivery(handler, change, origin, attempt + 1);
      clock.sleep(backoffDelay(BACKOFF, attempt - 1, random), closing.signal).then(again, () => undefined);
    }
  };

  const deliverTo: Delivery<T>['deliverTo'] = (handler, change, origin) => attemptDelivery(handler, change, origin, 1);
  return {
    add: (handler) => {
      handlers.push(handler);
    },
    deliverTo,
    deliver: (change, origin) => {
      for (const handler of handlers) deliverTo(handler, change, origin);
    },
    close: () => closing.abort(),
  };
};
