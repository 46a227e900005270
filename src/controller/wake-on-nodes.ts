import type { Node } from '../api/node.ts';
import { isReady } from '../domain/node-loss.ts';
import type { StoreChange } from '../runtime/change.ts';
import type { Controller } from '../runtime/controller.ts';
import { Priority } from '../runtime/work-queue.ts';
import { keyOf, objectKey } from '../runtime/object-key.ts';
import type { Caches } from './caches.ts';

/**
 * A node that is Ready or not, there or gone, wakes the sandboxes that hang on it, and on any other that is not Ready:
 * whether these have somewhere to go may have changed with it. Heartbeats wake nobody.
 */
export const wakeOnNodes = (caches: Caches, sandboxController: Pick<Controller, 'enqueue'>): void => {
  const { nodes, pods, workspaces } = caches;
  nodes.onChange((change, origin) => {
    if (!isTurn(change)) return;
    const changed = change.object.metadata.name;
    const known = new Map(nodes.store.list().map((node) => [node.metadata.name, isReady(node)]));
    const matters = (node: string | undefined): boolean =>
      node !== undefined && (node === changed || known.get(node) !== true);
    const priority = origin === 'initial' ? Priority.Initial : Priority.Change;
    for (const pod of pods.store.list()) {
      if (matters(pod.spec?.nodeName)) sandboxController.enqueue(objectKey(pod), { priority });
    }
    for (const { metadata, status } of workspaces.store.list()) {
      const { writer, session, cold } = status ?? {};
      if (writer === undefined || !(matters(session?.node) || matters(cold?.node))) continue;
      sandboxController.enqueue(keyOf(metadata.namespace, writer.sandbox), { priority });
    }
  });
};

const isTurn = (change: StoreChange<Node>): boolean =>
  change.kind !== 'updated' || isReady(change.object) !== isReady(change.old);
