import type { KubeObject } from '../../../src/api/meta.ts';
import type { Kubectl } from './kubectl.ts';

/** events.k8s.io/v1, which also shows the events written by the older API. */
export interface ClusterEvent extends KubeObject {
  readonly type?: string;
  readonly reason?: string;
  readonly note?: string;
}

/** The events about one object, oldest first. */
export const eventsOf = async (kubectl: Kubectl, kind: string, name: string): Promise<readonly ClusterEvent[]> => {
  const list = await kubectl.json<{ items: readonly ClusterEvent[] }>([
    'get',
    'events.events.k8s.io',
    '--field-selector',
    `regarding.kind=${kind},regarding.name=${name}`,
  ]);
  return [...list.items].sort((a, b) => order(a).localeCompare(order(b)));
};

const order = (event: ClusterEvent): string => event.metadata.creationTimestamp ?? '';
