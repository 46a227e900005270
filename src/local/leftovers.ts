import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chainsIn, OWN_CHAIN_PREFIXES } from './cluster/firewall.ts';
import { readRecord } from './cluster/host.ts';
import { NODE_INTERFACE, POD_INTERFACE, POLICY_TABLE } from './cluster/network.ts';
import { hasPolicyTable } from './cluster/policy-table.ts';
import { run } from './command.ts';
import type { Local } from './local.ts';
import { listMountsBelow } from './mounts.ts';
import { KUBELET_ROOT } from './paths.ts';
import { listPrograms } from '../base/process-identity.ts';
import { shimsOf } from './shims.ts';

/** What a cluster that `up` started leaves on a machine when nobody takes it away. */
export interface Traces {
  /** Undefined where `up` started no containerd. */
  readonly containerdSocket: string | undefined;
  readonly interfaces: readonly string[];
  /** Folders below which a mount can only come from this installation. */
  readonly mountRoots: readonly string[];
}

export const kubernetesTraces = (local: Local): Traces => ({
  containerdSocket: join(local.paths.run, 'containerd.sock'),
  interfaces: [POD_INTERFACE, NODE_INTERFACE],
  mountRoots: [KUBELET_ROOT, local.paths.state, join(local.paths.cache, 'docker')],
});

/** Beside a cluster that was there before: that one's mounts and interfaces are not ours. */
export const guestTraces = (local: Local): Traces => ({
  containerdSocket: undefined,
  interfaces: [],
  mountRoots: [local.paths.state, join(local.paths.cache, 'docker')],
});

export const k3sTraces = (local: Local): Traces => ({
  containerdSocket: '/run/k3s/containerd/containerd.sock',
  interfaces: ['cni0', 'flannel.1', 'kube-ipvs0'],
  mountRoots: [KUBELET_ROOT, local.paths.state, join(local.paths.cache, 'docker'), '/run/k3s', '/run/netns'],
});

/** What is still there, in words for a person. Empty after a good `down`. */
export const findLeftovers = async (local: Local, traces: Traces): Promise<readonly string[]> => {
  const present = new Set(await readdir('/sys/class/net').catch(() => []));
  const daemons = await local.daemons.pids();
  const socket = traces.containerdSocket;
  const shims = socket === undefined ? [] : shimsOf(await listPrograms(), socket);
  const mounts = await listMountsBelow(traces.mountRoots);
  return [
    ...[...daemons].map((pid) => `process ${pid}`),
    ...shims.map((pid) => `process ${pid}, which holds a container`),
    ...mounts.map((path) => `mount ${path}`),
    ...traces.interfaces.filter((name) => present.has(name)).map((name) => `network interface ${name}`),
    ...(await newChains(local)).map((chain) => `firewall chain ${chain}`),
    ...((await hasPolicyTable()) ? [`firewall table ${POLICY_TABLE} (nftables)`] : []),
  ];
};

const newChains = async (local: Local): Promise<readonly string[]> => {
  const before = await readRecord(local.paths.state);
  if (before === undefined) return [];
  const found: string[] = [];
  for (const family of ['iptables', 'ip6tables'] as const) {
    const known = chainsIn(before[family]);
    const now = chainsIn(await run([`${family}-save`]).catch(() => ''));
    for (const key of now) {
      if (!known.has(key) && OWN_CHAIN_PREFIXES.test(key.split(' ')[1] ?? '')) found.push(`${family} ${key}`);
    }
  }
  return found;
};
