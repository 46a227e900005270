/**
 * The addresses of the cluster that is built here. The node's address lies on a bridge of its own that has no port:
 * it stays the same when the machine changes networks, and nothing the cluster listens on can be reached from outside
 * of the machine.
 */
export const NODE_NAME = 'matrx-local';
export const NODE_ADDRESS = '10.97.0.1';
export const NODE_INTERFACE = 'matrx-node';
export const POD_CIDR = '10.244.0.0/16';

/** A machine as a node of the cluster. */
export interface ClusterNode {
  readonly name: string;
  readonly address: string;
  /** What it gives its pods: a /24 of the pods' range, as kube-controller-manager allots them, one after another. */
  readonly podCidr: string;
}

/** The one that `up` makes of its machine. The control plane is on it. */
export const FIRST_NODE: ClusterNode = Object.freeze({
  name: NODE_NAME,
  address: NODE_ADDRESS,
  podCidr: '10.244.0.0/24',
});
export const POD_INTERFACE = 'matrx-pods';
/** The nftables table that the enforcer of NetworkPolicies keeps. */
export const POLICY_TABLE = 'matrx_network_policy';
export const SERVICE_CIDR = '10.96.0.0/16';
export const API_SERVICE_ADDRESS = '10.96.0.1';
export const API_PORT = 6443;
export const API_URL = `https://${NODE_ADDRESS}:${API_PORT}`;
export const ETCD_PORT = 2379;
export const ETCD_PEER_PORT = 2380;
