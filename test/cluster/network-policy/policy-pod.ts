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

/**
 * The pods that have an address of their own, each address once: not those on the node's network, which no policy
 * selects, and not those that have ended, whose address may be another's by now.
 */
export const policyPods = (pods: readonly Pod[]): readonly PolicyPod[] => {
  const byAddress = new Map<string, PolicyPod>();
  const byAge = pods.toSorted((a, b) => ageKey(a).localeCompare(ageKey(b)));
  for (const pod of byAge) {
    const { podIP, phase } = pod.status ?? {};
    const spec = (pod.spec ?? {}) as PodSpec;
    const hasEnded = phase === 'Succeeded' || phase === 'Failed';
    if (podIP === undefined || !isIPv4(podIP) || spec.hostNetwork === true || hasEnded) continue;
    byAddress.set(podIP, {
      namespace: pod.metadata.namespace ?? '',
      name: pod.metadata.name,
      node: pod.spec?.nodeName ?? '',
      labels: pod.metadata.labels ?? {},
      address: podIP,
      ports: namedPorts(spec),
    });
  }
  return [...byAddress.values()];
};

const ageKey = ({ metadata }: Pod): string =>
  `${metadata.creationTimestamp ?? ''} ${metadata.namespace ?? ''}/${metadata.name}`;

const namedPorts = ({ containers = [] }: PodSpec): readonly NamedPort[] =>
  containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ name, containerPort, protocol = 'TCP' }) =>
      name === undefined ? [] : [{ name, protocol, port: containerPort }],
    ),
  );
