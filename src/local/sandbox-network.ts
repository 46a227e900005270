import { containsCidr, hostCidr } from '../base/cidr.ts';

/** A NetworkPolicy of the manifests, as far as it is read here. */
export interface EgressPolicy {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: {
    readonly egress?: readonly {
      readonly to?: readonly { readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] } }[];
    }[];
  };
}

export const INTERNET_POLICY = 'matrx-sandboxes-internet';

interface JsonPatch {
  readonly op: 'add';
  readonly path: string;
  readonly value: string;
}

/**
 * What has to be added to the exceptions of the policy that lets sandboxes into the internet, so that `addresses` are
 * not part of it: a node may have an address that is not private, and listens there too.
 */
export const closedAddresses = (policy: EgressPolicy, addresses: readonly string[]): readonly JsonPatch[] =>
  (policy.spec.egress ?? []).flatMap(({ to = [] }, rule) =>
    to.flatMap(({ ipBlock }, peer) => {
      if (ipBlock === undefined) return [];
      const { cidr, except = [] } = ipBlock;
      return [...new Set(addresses)]
        .map(hostCidr)
        .filter((host) => containsCidr(cidr, host) && !except.some((closed) => containsCidr(closed, host)))
        .map((value) => ({ op: 'add' as const, path: `/spec/egress/${rule}/to/${peer}/ipBlock/except/-`, value }));
    }),
  );

/**
 * Lets sandboxes ask name servers that are not pods: a cluster of Kubernetes' own programs has no DNS server, and its
 * pods ask those of their node.
 */
export const resolverPolicy = (namespace: string, servers: readonly string[]): object => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: {
    name: 'matrx-sandboxes-resolvers',
    namespace,
    labels: { 'app.kubernetes.io/part-of': 'matrx-sandbox' },
  },
  spec: {
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [
      {
        to: servers.map((address) => ({ ipBlock: { cidr: hostCidr(address) } })),
        ports: [
          { protocol: 'UDP', port: 53 },
          { protocol: 'TCP', port: 53 },
        ],
      },
    ],
  },
});
