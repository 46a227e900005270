import type { Node } from '../api/node.ts';
import { isReady } from '../domain/node-loss.ts';
import type { StoreChange } from '../runtime/change.ts';
import type { Controller } from '../runtime/controller.ts';
import { Priority } from '../runtime/work-queue.ts';
import { keyOf, objectKey } from '../runtime/object-key.ts';
import type { Caches } from './caches.ts';

/**
 * A node that is Ready or not, there or gone, wakes the sandboxes that hang on it, and on any other that is not Ready:
 * whether these have somewhere to go may have changed with it. So do workspaces that a Sandbox which is gone has left
 * there, or whose deletion waits for it. Heartbeats wake nobody.
 */
export const wakeOnNodes = (
  caches: Caches,
  sandboxController: Pick<Controller, 'enqueue'>,
  workspaceController: Pick<Controller, 'enqueue'>,
): void => {
  const { nodes, pods, workspaces } = caches;
  nodes.onChange((change, origin) => {
    if (!isTurn(change)) return;
    const changed = change.object.metadata.name;
    const known = new Map(nodes.store.list().map((node) => [node.metadata.name, isReady(node)]));
    const matters = (node: string | undefined): boolean =>
      node !== undefined && (node === changed || known.get(node) !== true);
    const priority = origin === 'initial' ? Priority.Initial : Priority.Change;
    for (const pod of pods.store.list()) {
      if (!matters(pod.spec?.nodeName)) continue;
      sandboxController.enqueue(objectKey(pod), { priority });
      for (const workspace of workspaces.store.byIndex('writer', pod.metadata.name)) {
        workspaceController.enqueue(objectKey(workspace), { priority });
      }
    }
    for (const workspace of workspaces.store.list()) {
      const { writer, session, cold, conflicts = [] } = workspace.status ?? {};
      const isHeld = writer !== undefined && (matters(session?.node) || matters(cold?.node));
      if (isHeld) sandboxController.enqueue(keyOf(workspace.metadata.namespace, writer.sandbox), { priority });
      if (isHeld || conflicts.some(({ node }) => node === changed)) {
        workspaceController.enqueue(objectKey(workspace), { priority });
      }
    }
  });
};

const isTurn = (change: StoreChange<Node>): boolean =>
  change.kind !== 'updated' || isReady(change.object) !== isReady(change.old);
