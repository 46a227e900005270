import type { Node } from '../api/node.ts';
import type { Pod } from '../api/pod.ts';
import type { PodRefusal } from '../domain/observed.ts';
import type { KubeClient } from '../kube/client.ts';
import { NODES } from '../kube/resource-types.ts';

/** Whether this node's runtime gives a pod without a RuntimeClass a user namespace of its own (kubelet says so in its status). */
const hasUserNamespaces = ({ status }: Node): boolean =>
  status?.runtimeHandlers?.some(({ name = '', features }) => name === '' && features?.userNamespaces === true) ?? false;

const onNodes = (names: readonly string[]) => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      // Terms are alternatives; one takes a single name.
      nodeSelectorTerms: names.map((name) => ({
        matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }],
      })),
    },
  },
});

/**
 * The pod, kept to nodes that can give it the user namespace it asks for; or that none can. Without this, the scheduler
 * would put it anywhere, and a kubelet that cannot tries for ever and tells it in an event alone. A pod that asks for none
 * is left as it is, and so is one of a RuntimeClass, whose handlers' names only the cluster's administrator knows.
 */
export const placeInUserNamespace = async (
  client: Pick<KubeClient, 'list'>,
  pod: Pod,
  signal: AbortSignal,
): Promise<{ readonly pod: Pod } | { readonly refusal: PodRefusal }> => {
  if (pod.spec?.hostUsers !== false || pod.spec.runtimeClassName !== undefined) return { pod };
  const { items } = await client.list<Node>(NODES, {}, { signal });
  const able = items.filter(hasUserNamespaces).map(({ metadata }) => metadata.name);
  if (able.length > 0) return { pod: { ...pod, spec: { ...pod.spec, affinity: onNodes(able) } } };
  return {
    refusal: {
      reason: 'UserNamespacesUnavailable',
      message:
        `the template asks for security.sudo, and none of the ${items.length} nodes can give a pod a user namespace ` +
        '(status.runtimeHandlers[].features.userNamespaces): that takes containerd 2.0 or CRI-O 1.25, and Linux 6.3; ' +
        'update a node, or use a template without security.sudo',
    },
  };
};
