import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../command.ts';
import { claimKubeletRoot } from '../kubelet-root.ts';
import type { Local } from '../local.ts';
import type { StepContext } from '../step.ts';
import { waitForDaemon } from '../wait-for-daemon.ts';
import { kubeletConfig } from './kubelet-config.ts';
import { kubernetesFolders, kubernetesKubectl } from './kubernetes-folders.ts';
import { nodeProblem, type NodeStatus } from './node-status.ts';
import { findResolver } from './resolv-conf.ts';
import { startComponent } from './start-component.ts';
import { POLICY_DAEMON, startNetworkPolicy } from './start-network-policy.ts';

/** Network policies, kubelet and kube-proxy, until the node takes pods. */
export const startNode = async (local: Local, context: StepContext): Promise<string> => {
  const folders = kubernetesFolders(local);
  await claimKubeletRoot(local);
  const resolver = await findResolver();
  const podLogs = join(local.paths.logs, 'pods');
  await mkdir(podLogs, { recursive: true, mode: 0o755 });
  const configuration = kubeletConfig({
    address: local.node.address,
    podLogs,
    certificates: local.paths.certificates,
    containerdSocket: folders.containerd.socket,
    resolvConf: resolver.path,
    clusterDns: resolver.servers,
  });
  await writeFile(join(folders.configuration, 'kubelet.json'), configuration, { mode: 0o600 });
  context.report('network policies');
  await startNetworkPolicy(local, context);
  context.report('kubelet');
  // A kubelet that has just been started must have reported: the API remembers the one before it as ready.
  const notBefore = Math.floor(local.clock.now() / 1000) * 1000;
  const isNew = await startComponent(local, 'kubelet');
  await startComponent(local, 'kube-proxy');
  context.report('waiting for the node to be ready');
  const kubectl = kubernetesKubectl(local);
  await waitForDaemon(
    local,
    ['kubelet', 'kube-proxy', POLICY_DAEMON],
    async () => {
      const output = await run([...kubectl, 'get', 'node', local.node.name, '-o', 'json'], { env: local.env });
      const problem = nodeProblem(JSON.parse(output) as NodeStatus, isNew ? notBefore : 0);
      if (problem !== undefined) throw new Error(problem);
      return true;
    },
    { what: 'the node', deadlineMs: 120_000, everyMs: 500, signal: context.signal },
  );
  return `${local.node.name} is ready`;
};
