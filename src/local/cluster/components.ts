import { join } from 'node:path';
import { auditArguments } from './audit.ts';
import {
  API_PORT,
  type ClusterNode,
  ETCD_PEER_PORT,
  ETCD_PORT,
  NODE_ADDRESS,
  POD_CIDR,
  SERVICE_CIDR,
} from './network.ts';

export interface ComponentFolders {
  /** The multi-call binary of test/cluster/kube. */
  readonly kube: string;
  readonly certificates: string;
  readonly etcdData: string;
  /** Holds one kubeconfig per component and kubelet.json. */
  readonly configuration: string;
  readonly kubeletRoot: string;
  /** The API server's policy for what it writes to `auditLog`. */
  readonly auditPolicy: string;
  readonly auditLog: string;
  readonly node: ClusterNode;
}

type Argv = readonly [string, ...string[]];

/** The command lines of the cluster's parts, by their names. Pure: tests read them. */
export const componentCommands = (folders: ComponentFolders): Readonly<Record<ComponentName, Argv>> => {
  const { kube, etcdData, kubeletRoot, node } = folders;
  const certificate = (file: string): string => join(folders.certificates, file);
  const kubeconfig = (name: string): string => join(folders.configuration, `${name}.kubeconfig`);
  const etcdUrl = `https://127.0.0.1:${ETCD_PORT}`;
  const etcdPeerUrl = `https://127.0.0.1:${ETCD_PEER_PORT}`;
  return {
    // Certificates even on loopback: whoever can talk to etcd is the cluster's administrator.
    etcd: [
      kube,
      'etcd',
      '--name=matrx-local',
      `--data-dir=${etcdData}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=${etcdPeerUrl}`,
      `--initial-advertise-peer-urls=${etcdPeerUrl}`,
      `--initial-cluster=matrx-local=${etcdPeerUrl}`,
      `--cert-file=${certificate('etcd.crt')}`,
      `--key-file=${certificate('etcd.key')}`,
      '--client-cert-auth',
      `--trusted-ca-file=${certificate('etcd-ca.crt')}`,
      `--peer-cert-file=${certificate('etcd.crt')}`,
      `--peer-key-file=${certificate('etcd.key')}`,
      '--peer-client-cert-auth',
      `--peer-trusted-ca-file=${certificate('etcd-ca.crt')}`,
      '--auto-compaction-mode=periodic',
      '--auto-compaction-retention=1h',
      '--log-level=warn',
    ],
    'kube-apiserver': [
      kube,
      'kube-apiserver',
      `--bind-address=${NODE_ADDRESS}`,
      `--advertise-address=${NODE_ADDRESS}`,
      `--secure-port=${API_PORT}`,
      `--etcd-servers=${etcdUrl}`,
      `--etcd-cafile=${certificate('etcd-ca.crt')}`,
      `--etcd-certfile=${certificate('etcd-client.crt')}`,
      `--etcd-keyfile=${certificate('etcd-client.key')}`,
      `--client-ca-file=${certificate('cluster-ca.crt')}`,
      `--tls-cert-file=${certificate('apiserver.crt')}`,
      `--tls-private-key-file=${certificate('apiserver.key')}`,
      `--kubelet-certificate-authority=${certificate('cluster-ca.crt')}`,
      `--kubelet-client-certificate=${certificate('apiserver-kubelet-client.crt')}`,
      `--kubelet-client-key=${certificate('apiserver-kubelet-client.key')}`,
      // The node's name resolves nowhere: exec and logs go to its address.
      '--kubelet-preferred-address-types=InternalIP',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-signing-key-file=${certificate('service-account.key')}`,
      `--service-account-key-file=${certificate('service-account.pub')}`,
      `--requestheader-client-ca-file=${certificate('front-proxy-ca.crt')}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${certificate('front-proxy-client.crt')}`,
      `--proxy-client-key-file=${certificate('front-proxy-client.key')}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      `--service-cluster-ip-range=${SERVICE_CIDR}`,
      '--allow-privileged=true',
      ...auditArguments(folders.auditPolicy, folders.auditLog).map((argument) => `--${argument}`),
      '--profiling=false',
    ],
    'kube-controller-manager': [
      kube,
      'kube-controller-manager',
      `--kubeconfig=${kubeconfig('controller-manager')}`,
      `--authentication-kubeconfig=${kubeconfig('controller-manager')}`,
      `--authorization-kubeconfig=${kubeconfig('controller-manager')}`,
      '--bind-address=127.0.0.1',
      '--leader-elect=false',
      '--use-service-account-credentials=true',
      `--root-ca-file=${certificate('cluster-ca.crt')}`,
      `--service-account-private-key-file=${certificate('service-account.key')}`,
      `--cluster-signing-cert-file=${certificate('cluster-ca.crt')}`,
      `--cluster-signing-key-file=${certificate('cluster-ca.key')}`,
      `--requestheader-client-ca-file=${certificate('front-proxy-ca.crt')}`,
      '--allocate-node-cidrs=true',
      `--cluster-cidr=${POD_CIDR}`,
      `--service-cluster-ip-range=${SERVICE_CIDR}`,
      // Three reports that a kubelet has missed.
      '--node-monitor-grace-period=30s',
      '--profiling=false',
    ],
    'kube-scheduler': [
      kube,
      'kube-scheduler',
      `--kubeconfig=${kubeconfig('scheduler')}`,
      `--authentication-kubeconfig=${kubeconfig('scheduler')}`,
      `--authorization-kubeconfig=${kubeconfig('scheduler')}`,
      '--bind-address=127.0.0.1',
      '--leader-elect=false',
      '--profiling=false',
    ],
    kubelet: [
      kube,
      'kubelet',
      `--kubeconfig=${kubeconfig('kubelet')}`,
      `--config=${join(folders.configuration, 'kubelet.json')}`,
      `--root-dir=${kubeletRoot}`,
      `--node-ip=${node.address}`,
      `--hostname-override=${node.name}`,
    ],
    'kube-proxy': [
      kube,
      'kube-proxy',
      `--kubeconfig=${kubeconfig('kube-proxy')}`,
      `--hostname-override=${node.name}`,
      '--proxy-mode=iptables',
      `--cluster-cidr=${POD_CIDR}`,
      `--nodeport-addresses=${node.address}/32`,
      '--healthz-bind-address=127.0.0.1:10256',
      '--metrics-bind-address=127.0.0.1:10249',
      // The machine's own connection tracking and routing settings stay as they are.
      '--conntrack-max-per-core=0',
      '--conntrack-min=0',
      '--conntrack-tcp-timeout-established=0s',
      '--conntrack-tcp-timeout-close-wait=0s',
      '--iptables-localhost-nodeports=false',
      '--oom-score-adj=0',
    ],
  };
};

/** In the order in which they start; they stop in the other. */
export const COMPONENTS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
] as const;
export type ComponentName = (typeof COMPONENTS)[number];

/** The components that have a kubeconfig, by the client certificate they use. */
export const COMPONENT_CLIENTS = [
  'controller-manager',
  'scheduler',
  'kubelet',
  'kube-proxy',
  'network-policy',
] as const;
