import { createHash } from 'node:crypto';
import { NEVER_REACHED, type AllowedTarget } from '../api/allow-list.ts';
import { GROUP_VERSION, LABEL_ALLOW_LIST, LABEL_MANAGED_BY, LABEL_SANDBOX, MANAGED_BY } from '../api/names.ts';
import type { NetworkPolicy } from '../api/network-policy.ts';
import type { Node } from '../api/node.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { SandboxTemplate } from '../api/sandbox-template.ts';
import { containsCidr, hostCidr } from '../base/cidr.ts';
import { canonicalJson } from '../base/json.ts';
import type { Nodes } from './node-loss.ts';
import { uidOf } from './seen.ts';

/**
 * What only some network can reach, and is therefore no part of a wider block: 0.0.0.0/0 is the internet. The same that
 * matrx-sandboxes-internet leaves out (manifests/base/network-policy.yaml), and what is never reached.
 */
export const SPECIAL_RANGES: readonly string[] = [
  ...NEVER_REACHED,
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '2001::/32',
  '2002::/16',
];

/** A block that belongs to the cluster itself: a node, and the API server where that is on one, or pods. */
interface ClusterRange {
  readonly cidr: string;
  readonly whose: string;
}

const clusterRanges = (nodes: Nodes | undefined): readonly ClusterRange[] =>
  [...(nodes?.values() ?? [])].flatMap(({ metadata: { name }, spec, status }: Node) => [
    ...(status?.addresses ?? []).flatMap(({ type, address }) =>
      type === 'InternalIP' || type === 'ExternalIP'
        ? [{ cidr: hostCidr(address), whose: `the node ${name} itself` }]
        : [],
    ),
    ...(spec?.podCIDRs ?? []).map((cidr) => ({ cidr, whose: `the pods of node ${name}` })),
  ]);

const listOf = ({ spec: { network } }: SandboxTemplate): readonly AllowedTarget[] =>
  network?.egress === 'AllowList' ? (network.allowList ?? []) : [];

/** The first entry of the template's list that lies in what is the cluster's own, for people; undefined: none. */
export const refusedTarget = (template: SandboxTemplate, nodes: Nodes | undefined): string | undefined => {
  const list = listOf(template);
  if (list.length === 0) return undefined;
  const ranges = clusterRanges(nodes);
  for (const [index, { cidr }] of list.entries()) {
    const range = ranges.find((own) => containsCidr(own.cidr, cidr));
    if (range !== undefined) return `spec.network.allowList[${index}].cidr ${cidr}: that is ${range.whose}`;
  }
  return undefined;
};

/**
 * What opens the template's allow-list to the pod that carries the label LABEL_ALLOW_LIST with `key`; undefined where the
 * template has none. Each policy is written once and never changed: the key is made from all that it says and from the
 * Sandbox's uid, so a list that is edited makes another for the next pod, and disturbs none that runs. It belongs to the
 * Sandbox and goes with it.
 */
export const egressPolicy = (
  sandbox: Sandbox,
  template: SandboxTemplate,
  nodes: Nodes | undefined,
): { readonly key: string; readonly policy: NetworkPolicy } | undefined => {
  const list = listOf(template);
  if (list.length === 0) return undefined;
  const closed = [...SPECIAL_RANGES, ...clusterRanges(nodes).map(({ cidr }) => cidr)];
  const egress = list.map(({ cidr, ports }) => ({
    to: [{ ipBlock: { cidr, ...withExceptions(cidr, closed) } }] as const,
    ...(ports === undefined ? {} : { ports }),
  }));
  const { name, namespace } = sandbox.metadata;
  const uid = uidOf(sandbox);
  const key = createHash('sha256')
    .update(canonicalJson([uid, egress]))
    .digest('hex')
    .slice(0, 16);
  const policy: NetworkPolicy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: {
      name: `${name}-allows-${key}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { [LABEL_MANAGED_BY]: MANAGED_BY, [LABEL_SANDBOX]: name },
      ownerReferences: [{ apiVersion: GROUP_VERSION, kind: 'Sandbox', name, uid, controller: true }],
    },
    spec: { podSelector: { matchLabels: { [LABEL_ALLOW_LIST]: key } }, policyTypes: ['Egress'], egress },
  };
  return { key, policy };
};

/** Those of `closed` that are a part of `cidr`, the widest alone: a block in another one would say it twice. */
const withExceptions = (cidr: string, closed: readonly string[]): { readonly except?: readonly string[] } => {
  const inside = [...new Set(closed)].filter((range) => range !== cidr && containsCidr(cidr, range));
  const except = inside.filter((range) => !inside.some((wider) => wider !== range && containsCidr(wider, range)));
  return except.length === 0 ? {} : { except: except.toSorted() };
};
