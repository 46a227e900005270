import { isIPv4 } from 'node:net';
import type { Pod } from '../../../src/api/pod.ts';
import type { NamedPort, PolicyPod } from './objects.ts';

interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly containers?: readonly {
    readonly ports?: readonly {
      readonly name?: string;
      readonly containerPort: number;
      readonly protocol?: NamedPort['protocol'];
    }[];
  }[];
}

/** Drops of a pod, before it is cached, what no policy looks at. */
export const slimPod = ({ metadata, spec, status }: Pod): Pod => {
  const { hostNetwork, containers } = (spec ?? {}) as PodSpec;
  const { name, namespace, uid, resourceVersion, creationTimestamp, labels } = metadata;
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(labels === undefined ? {} : { labels }),
    },
    spec: {
      ...(spec?.nodeName === undefined ? {} : { nodeName: spec.nodeName }),
      ...(hostNetwork === undefined ? {} : { hostNetwork }),
      containers: (containers ?? []).map(({ ports }) => (ports === undefined ? {} : { ports })),
    },
    status: {
      ...(status?.phase === undefined ? {} : { phase: status.phase }),
      ...(status?.podIP === undefined ? {} : { podIP: status.podIP }),
    },
  };
};

/** Whether an update of a slim pod can change a rule; most updates of a starting pod cannot. */
export const isSamePod = (before: Pod, after: Pod): boolean =>
  JSON.stringify([before.metadata.labels, before.spec, before.status]) ===
  JSON.stringify([after.metadata.labels, after.spec, after.status]);

/**
 * The pods that have an address of their own, each address once: not those on the node's network, which no policy
 * selects, and not those that have ended, whose address may be another's by now.
 */
export const policyPods = (pods: readonly Pod[]): readonly PolicyPod[] => {
  const byAddress = new Map<string, Pod>();
  for (const pod of pods) {
    const { podIP, phase } = pod.status ?? {};
    const hasEnded = phase === 'Succeeded' || phase === 'Failed';
    if (podIP === undefined || hasEnded || !isIPv4(podIP) || (pod.spec as PodSpec | undefined)?.hostNetwork) continue;
    const other = byAddress.get(podIP);
    if (other === undefined || madeAt(other) <= madeAt(pod)) byAddress.set(podIP, pod);
  }
  return [...byAddress].map(([address, { metadata, spec }]) => ({
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    node: spec?.nodeName ?? '',
    labels: metadata.labels ?? {},
    address,
    ports: namedPorts((spec ?? {}) as PodSpec),
  }));
};

const madeAt = ({ metadata }: Pod): string => metadata.creationTimestamp ?? '';

const namedPorts = ({ containers = [] }: PodSpec): readonly NamedPort[] =>
  containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ name, containerPort, protocol = 'TCP' }) =>
      name === undefined ? [] : [{ name, protocol, port: containerPort }],
    ),
  );
