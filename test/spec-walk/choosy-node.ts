import type { Pod } from '../../src/api/pod.ts';
import type { Resources } from '../../src/api/pod-settings.ts';
import { isMore } from '../../src/base/quantity.ts';
import type { NetworkDeps } from '../controller/world.ts';
import { makeNode, type ModelNode } from '../domain/model/node.ts';
import type { ApiServer } from '../support/model-api-server/api-server.ts';
import { makeContainers } from './containers.ts';

/** What each node has. */
const ALLOCATABLE = { cpu: 4, memory: '8Gi', 'ephemeral-storage': '20Gi' } as const;
/** What a container has written by the time that kubelet looks. */
const WRITTEN = '1Mi';

/**
 * The nodes of the model, which do not take everything: a pod that is too large is not scheduled, an image that is not in
 * the registry not pulled, a container without memory killed, one that fills its disk evicted, and a commit that is not
 * there not restored; in the words of the real ones, which the messages of the product are made of.
 */
export const makeChoosyNode = ({ api, clock }: NetworkDeps): ModelNode => {
  const node = makeNode(api);
  const containers = makeContainers(api, clock);
  return {
    ...node,
    step: (name) => {
      const pod = api.newest().pods.get(name);
      if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return node.step(name);
      if (pod.status?.phase === 'Failed') return node.step(name);
      if (pod.spec?.nodeName === undefined) return refuseLarge(api, pod) ?? node.step(name);
      const refused = refuseRestore(api, pod);
      if (refused !== undefined) return refused;
      if (!isHomeOpen(api, pod)) return node.step(name);
      if (isDiskFull(pod)) return evict(api, pod);
      return containers.step(pod) || (pod.status?.phase === 'Running' && node.step(name));
    },
  };
};

const resourcesOf = ({ spec }: Pod): Resources =>
  (spec?.['containers'] as readonly { readonly resources?: Resources }[] | undefined)?.[0]?.resources ?? {};

/** Undefined: there is room. */
const refuseLarge = (api: ApiServer, pod: Pod): boolean | undefined => {
  const { requests = {}, limits = {} } = resourcesOf(pod);
  const short = (['cpu', 'memory', 'ephemeral-storage'] as const).filter((name) =>
    isMore(requests[name] ?? limits[name] ?? 0, ALLOCATABLE[name]),
  );
  if (short.length === 0) return undefined;
  const message = `0/2 nodes are available: ${short.map((name) => `2 Insufficient ${name}`).join(', ')}. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.`;
  return patched(api, pod, {
    phase: 'Pending',
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
  });
};

const workspaceOf = (api: ApiServer, pod: Pod) => {
  const owner = pod.metadata.ownerReferences?.[0]?.uid;
  return [...api.newest().workspaces.values()].find(({ status }) => status?.writer?.uid === owner);
};

const isHomeOpen = (api: ApiServer, pod: Pod): boolean => {
  const { writer, session } = workspaceOf(api, pod)?.status ?? {};
  return session?.state === 'Open' && session.epoch === writer?.epoch;
};

/** Undefined: nothing is asked for, or it is there. */
const refuseRestore = (api: ApiServer, pod: Pod): boolean | undefined => {
  const workspace = workspaceOf(api, pod);
  const { restore } = workspace?.spec ?? {};
  const { session, head, writer } = workspace?.status ?? {};
  if (workspace === undefined || restore === undefined || session?.epoch !== writer?.epoch) return undefined;
  if (session?.state !== 'Restoring' || (restore.sequence ?? Infinity) <= (head?.sequence ?? 0)) return undefined;
  const message = `request ${restore.requestId} to go back to ${restore.manifest ?? `commit ${restore.sequence}`} cannot be carried out: it is not there; ask for another one in the Workspace's spec.restore, or remove that`;
  if (session.message === message) return false;
  api.update('workspaces', workspace.metadata.name, (newest) => ({
    ...newest,
    status: { ...newest.status, session: { ...session, reason: 'RestoreRefused' as const, message } },
  }));
  return true;
};

const isDiskFull = (pod: Pod): boolean => {
  const limit = resourcesOf(pod).limits?.['ephemeral-storage'];
  return limit !== undefined && isMore(WRITTEN, limit) && pod.status?.phase === 'Running';
};

const evict = (api: ApiServer, pod: Pod): boolean => {
  const limit = resourcesOf(pod).limits?.['ephemeral-storage'];
  const message = `Pod ephemeral local storage usage exceeds the total limit of containers ${limit}. `;
  return patched(api, pod, { phase: 'Failed', reason: 'Evicted', message, conditions: [], containerStatuses: [] });
};

/** False: it says so already. */
const patched = (api: ApiServer, pod: Pod, status: NonNullable<Pod['status']>): boolean => {
  const before = api.history.length;
  api.update('pods', pod.metadata.name, (newest) => ({ ...newest, status: { ...newest.status, ...status } }));
  return api.history.length > before;
};
