import { join } from 'node:path';
import type { Local } from '../local.ts';

/** The folders of a cluster that is built here. */
export const kubernetesFolders = (local: Local) => {
  const { cluster, run: runDir, bin } = local.paths;
  return Object.freeze({
    kube: join(bin, 'kube'),
    kubectl: join(bin, 'kubectl'),
    etcdData: join(cluster, 'etcd'),
    configuration: join(cluster, 'configuration'),
    containerdConfig: join(cluster, 'containerd.toml'),
    containerd: {
      root: join(cluster, 'containerd'),
      state: join(runDir, 'containerd'),
      socket: join(runDir, 'containerd.sock'),
      cniConf: join(cluster, 'cni/net.d'),
      cniBin: '/usr/lib/cni',
    },
    cniData: join(cluster, 'cni/addresses'),
  });
};

/** `ctr` for the containerd of a cluster that is built here. */
export const kubernetesCtr = (local: Local): readonly [string, ...string[]] => [
  'ctr',
  `--address=${kubernetesFolders(local).containerd.socket}`,
  '--namespace=k8s.io',
];

/** kubectl as the administrator of a cluster that is built here. */
export const kubernetesKubectl = (local: Local): readonly [string, ...string[]] => [
  kubernetesFolders(local).kubectl,
  `--kubeconfig=${local.paths.kubeconfig}`,
];
