import { selects } from './label-selector.ts';
import type { NamedPort, NetworkPolicy, PolicyPod, PolicyPort, PolicyState } from './objects.ts';
import { type Peers, resolvePeers } from './peers.ts';
import { hasNamedPort, type PortRange, resolvePorts } from './ports.ts';

export type Direction = 'ingress' | 'egress';

/** What is let through: from or to these peers, at these ports of whoever is connected to. */
export interface Allowance {
  readonly policy: string;
  readonly peers: Peers;
  readonly ports: 'every' | readonly PortRange[];
}

/** Pods that the same policies isolate in one direction. All that is not allowed is refused. */
export interface IsolatedPods {
  readonly direction: Direction;
  readonly addresses: readonly string[];
  readonly allowances: readonly Allowance[];
}

interface PolicyRule {
  readonly peers: Parameters<typeof resolvePeers>[0];
  readonly ports: readonly PolicyPort[] | undefined;
}

/** Kubernetes' rule where a policy does not say it: ingress always, egress if it has a rule for it. */
const isolates = ({ spec }: NetworkPolicy, direction: Direction): boolean => {
  const types = spec.policyTypes ?? ['Ingress', ...((spec.egress ?? []).length > 0 ? ['Egress'] : [])];
  return types.includes(direction === 'ingress' ? 'Ingress' : 'Egress');
};

const rulesOf = ({ spec }: NetworkPolicy, direction: Direction): readonly PolicyRule[] =>
  direction === 'ingress'
    ? (spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
    : (spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }));

/** A node's isolated pods of one direction, grouped: a hundred sandboxes under one policy are one group. */
export const isolatedPods = (state: PolicyState, node: string, direction: Direction): readonly IsolatedPods[] => {
  const policies = state.policies
    .filter((policy) => isolates(policy, direction))
    .toSorted((a, b) => policyKey(a).localeCompare(policyKey(b)));
  const groups = new Map<string, { readonly policies: readonly NetworkPolicy[]; readonly pods: PolicyPod[] }>();
  for (const pod of state.pods) {
    if (pod.node !== node) continue;
    const own = policies.filter(
      ({ metadata, spec }) => metadata.namespace === pod.namespace && selects(spec.podSelector, pod.labels),
    );
    if (own.length === 0) continue;
    // A port's name is looked up in the pod that is connected to: for ingress that is this one.
    const depends = direction === 'ingress' && own.some((policy) => policy.spec.ingress?.some(namesPort));
    const key = JSON.stringify([own.map(policyKey), depends ? pod.ports : []]);
    const group = groups.get(key) ?? { policies: own, pods: [] };
    group.pods.push(pod);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ policies: own, pods }) => ({
    direction,
    addresses: pods.map(({ address }) => address),
    allowances: own.flatMap((policy) =>
      rulesOf(policy, direction).flatMap((rule) => allowancesOf(policy, rule, state, targetPorts(direction, pods))),
    ),
  }));
};

const policyKey = ({ metadata }: NetworkPolicy): string => `${metadata.namespace ?? ''}/${metadata.name}`;
const namesPort = ({ ports }: { readonly ports?: readonly PolicyPort[] }): boolean => hasNamedPort(ports);

/** The ports of the pods of an ingress group, which all have the same; undefined where the peers' count. */
const targetPorts = (direction: Direction, pods: readonly PolicyPod[]): readonly NamedPort[] | undefined =>
  direction === 'ingress' ? (pods[0]?.ports ?? []) : undefined;

const allowancesOf = (
  policy: NetworkPolicy,
  { peers, ports }: PolicyRule,
  state: PolicyState,
  target: readonly NamedPort[] | undefined,
): readonly Allowance[] =>
  resolvePeers(peers, policy.metadata.namespace ?? '', state).flatMap((resolved) => {
    const allow = (whom: Peers, named: readonly NamedPort[], of = ports): readonly Allowance[] => {
      const ranges = resolvePorts(of, named);
      return ranges.length === 0 ? [] : [{ policy: policyKey(policy), peers: whom, ports: ranges }];
    };
    if (target !== undefined || !hasNamedPort(ports)) return allow(resolved, target ?? []);
    // Egress to a port by its name: each pod has its own; an address that is no pod's has none.
    const numbered = ports?.filter(({ port }) => typeof port !== 'string') ?? [];
    const byName = ports?.filter(({ port }) => typeof port === 'string') ?? [];
    const pods = resolved.kind === 'pods' ? resolved.pods : resolved.kind === 'everybody' ? state.pods : [];
    return [
      ...(numbered.length === 0 ? [] : allow(resolved, [], numbered)),
      ...pods.flatMap((pod) => allow({ kind: 'pods', pods: [pod] }, pod.ports, byName)),
    ];
  });
