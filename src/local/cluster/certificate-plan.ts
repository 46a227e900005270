import { API_SERVICE_ADDRESS, type ClusterNode, FIRST_NODE, NODE_ADDRESS, NODE_NAME } from './network.ts';

/** As whom the enforcer of NetworkPolicies asks the API server. */
export const POLICY_USER = 'matrx-local:network-policy';

export type Authority = 'cluster' | 'etcd' | 'front-proxy';

export interface CertificatePlan {
  readonly name: string;
  readonly authority: Authority;
  readonly commonName: string;
  readonly organization?: string;
  readonly use: readonly ('server' | 'client')[];
  /** Subject alternative names in openssl's notation. */
  readonly names?: readonly string[];
}

export const AUTHORITIES: readonly Authority[] = ['cluster', 'etcd', 'front-proxy'];

/** What a node's kubelet serves and asks with. */
export const nodeCertificates = ({ name, address }: ClusterNode): readonly CertificatePlan[] => [
  {
    name: 'kubelet-server',
    authority: 'cluster',
    commonName: `system:node:${name}`,
    organization: 'system:nodes',
    use: ['server'],
    names: [`IP:${address}`, `DNS:${name}`],
  },
  client('kubelet', `system:node:${name}`, 'system:nodes'),
];

/**
 * Every certificate of the cluster (kubernetes.io/docs/setup/best-practices/certificates). Each part has an identity of
 * its own, so that RBAC, the Node authorizer and NodeRestriction mean what they say.
 */
export const CERTIFICATES: readonly CertificatePlan[] = [
  {
    name: 'apiserver',
    authority: 'cluster',
    commonName: 'kube-apiserver',
    use: ['server'],
    names: [
      `IP:${NODE_ADDRESS}`,
      `IP:${API_SERVICE_ADDRESS}`,
      'IP:127.0.0.1',
      `DNS:${NODE_NAME}`,
      'DNS:localhost',
      'DNS:kubernetes',
      'DNS:kubernetes.default',
      'DNS:kubernetes.default.svc',
      'DNS:kubernetes.default.svc.cluster.local',
    ],
  },
  ...nodeCertificates(FIRST_NODE),
  client('admin', 'matrx-local-admin', 'system:masters'),
  client('apiserver-kubelet-client', 'kube-apiserver-kubelet-client', 'system:masters'),
  client('controller-manager', 'system:kube-controller-manager'),
  client('scheduler', 'system:kube-scheduler'),
  client('kube-proxy', 'system:kube-proxy'),
  client('network-policy', POLICY_USER),
  { name: 'front-proxy-client', authority: 'front-proxy', commonName: 'front-proxy-client', use: ['client'] },
  {
    name: 'etcd',
    authority: 'etcd',
    commonName: 'etcd',
    use: ['server', 'client'],
    names: ['IP:127.0.0.1', 'DNS:localhost'],
  },
  { name: 'etcd-client', authority: 'etcd', commonName: 'kube-apiserver', use: ['client'] },
];

function client(name: string, commonName: string, organization?: string): CertificatePlan {
  return {
    name,
    authority: 'cluster',
    commonName,
    use: ['client'],
    ...(organization === undefined ? {} : { organization }),
  };
}
