import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../command.ts';
import { daemonEnvironment, type Local } from '../local.ts';
import type { StepContext } from '../step.ts';
import { waitForDaemon } from '../wait-for-daemon.ts';
import { POLICY_USER } from './certificate-plan.ts';
import { kubernetesFolders, kubernetesKubectl } from './kubernetes-folders.ts';
import { POD_INTERFACE, POLICY_TABLE } from './network.ts';
import { hasPolicyTable } from './policy-table.ts';

export const POLICY_DAEMON = 'network-policy';

/**
 * Kubernetes has no program of its own that enforces NetworkPolicies, k3s has one built in: here it is ours, of
 * test/cluster/network-policy. It starts before kubelet, because a pod that it does not know is not let out.
 */
export const startNetworkPolicy = async (local: Local, context: StepContext): Promise<void> => {
  await run([...kubernetesKubectl(local), 'apply', '--server-side', '--force-conflicts', '-f', '-'], {
    env: local.env,
    log: context.log,
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: POLICY_ACCESS }),
  });
  const program = join(local.project, 'test/cluster/network-policy');
  const kubeconfig = join(kubernetesFolders(local).configuration, 'network-policy.kubeconfig');
  await local.daemons.ensure({
    name: POLICY_DAEMON,
    argv: [
      process.execPath,
      join(program, 'main.ts'),
      `--kubeconfig=${kubeconfig}`,
      `--table=${POLICY_TABLE}`,
      `--node=${local.node.name}`,
      `--bridge=${POD_INTERFACE}`,
      `--pod-cidr=${local.node.podCidr}`,
    ],
    env: daemonEnvironment(local),
    configuration: [await readFile(kubeconfig, 'utf8'), await sourcesOf(program)].join('\n'),
  });
  const inForce = async (): Promise<true | undefined> => ((await hasPolicyTable()) ? true : undefined);
  await waitForDaemon(local, [POLICY_DAEMON], inForce, {
    what: 'the rules of the network policies',
    deadlineMs: 60_000,
    everyMs: 100,
    signal: context.signal,
  });
};

/** A changed enforcer is started anew, as a rebuilt program is. */
const sourcesOf = async (folder: string): Promise<string> => {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts')).toSorted();
  return (await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))).join('\n');
};

const ROLE = 'matrx-local:network-policy';
const POLICY_ACCESS = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: ROLE },
    rules: [
      { apiGroups: [''], resources: ['pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['list', 'watch'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: ROLE },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: ROLE },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: POLICY_USER }],
  },
] as const;
