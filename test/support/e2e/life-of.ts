import { expect } from '@jest/globals';
import type { Pod } from '../../../src/api/pod.ts';
import type { Cluster } from './cluster.ts';
import type { SandboxBuilder } from './sandbox-builder.ts';

/** What would differ after any restart of the sandbox. */
export const lifeOf = async (cluster: Cluster, { name }: SandboxBuilder): Promise<unknown> => {
  const { metadata, status } = await cluster.kubectl.json<Pod>(['get', 'pod', name]);
  const containers = (status?.containerStatuses ?? []).map(({ restartCount, ...rest }) => ({
    restartCount,
    id: (rest as { containerID?: string }).containerID,
  }));
  expect(containers).toHaveLength(1);
  return { uid: metadata.uid, containers };
};
