import type { KubeObject } from '../kube/client.ts';
import type { StoreChange } from './change.ts';
import type { Controller } from './controller.ts';
import type { Informer } from './informer.ts';
import { Priority } from './work-queue.ts';

export interface EnqueueRule<T> {
  /** The keys a change of this object concerns: its own, or its owner's. Pure. */
  readonly keysOf: (object: T) => readonly string[];
  /** Which changes matter; all unless given. A status that the controller itself writes must not wake it. */
  readonly when?: (change: StoreChange<T>) => boolean;
}

/**
 * Connects an informer to a controller. An update counts for the keys of both its states, so that an object that changes
 * owners wakes the old one too. The first list comes last: what people wait for now goes before it.
 */
export const enqueueOnChange = <T extends KubeObject, I extends string>(
  informer: Informer<T, I>,
  controller: Pick<Controller, 'enqueue'>,
  { keysOf, when }: EnqueueRule<T>,
): void =>
  informer.onChange((change, origin) => {
    if (when !== undefined && !when(change)) return;
    const before = change.kind === 'updated' ? keysOf(change.old) : [];
    const priority = origin === 'initial' ? Priority.Initial : Priority.Change;
    for (const key of new Set([...before, ...keysOf(change.object)])) controller.enqueue(key, { priority });
  });
