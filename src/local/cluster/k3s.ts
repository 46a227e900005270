import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../command.ts';
import type { DaemonSpec } from '../daemons.ts';
import { daemonEnvironment, type Local } from '../local.ts';
import { step, type StepContext } from '../step.ts';
import { waitForDaemon } from '../wait-for-daemon.ts';
import { auditArguments, auditLogPath, auditPolicyPath, writeAuditPolicy } from './audit.ts';
import type { Cluster } from './cluster.ts';
import { refuseForeignKubelet } from './facts.ts';
import { recordHost } from './host.ts';
import { withNamespace } from './kubeconfig.ts';
import { NODE_NAME } from './network.ts';

export const K3S_DAEMON = 'k3s';
const READY = 'cluster';

/** A k3s server with folders of its own. Nothing of it but what the product needs: no ingress, no load balancer. */
export const k3sDaemon = (
  program: string,
  folders: {
    readonly data: string;
    readonly kubeconfig: string;
    readonly auditPolicy: string;
    readonly auditLog: string;
  },
  env: DaemonSpec['env'],
): DaemonSpec => ({
  name: K3S_DAEMON,
  argv: [
    program,
    'server',
    `--data-dir=${folders.data}`,
    `--write-kubeconfig=${folders.kubeconfig}`,
    '--write-kubeconfig-mode=600',
    `--node-name=${NODE_NAME}`,
    '--disable=traefik,servicelb,metrics-server',
    // Images were loaded from this machine, and no registry could give them back.
    '--kubelet-arg=image-gc-high-threshold=100',
    ...auditArguments(folders.auditPolicy, folders.auditLog).map((argument) => `--kube-apiserver-arg=${argument}`),
  ],
  env,
});

export const k3sCluster = (local: Local, program: string): Cluster => ({
  steps: [
    step(
      READY,
      [],
      (context) => startK3s(local, program, context),
      `see ${local.daemons.logOf(K3S_DAEMON)}; \`down\`, then \`up\`, starts it afresh`,
    ),
  ],
  ready: READY,
  runtime: READY,
  kubectl: [program, 'kubectl', `--kubeconfig=${local.paths.kubeconfig}`],
  ctr: [program, 'ctr', '--namespace=k8s.io'],
});

const startK3s = async (local: Local, program: string, context: StepContext): Promise<string> => {
  await refuseForeignKubelet(local);
  await recordHost(local.paths.state);
  const folders = {
    data: join(local.paths.cluster, 'k3s'),
    kubeconfig: join(local.paths.cluster, 'k3s.yaml'),
    auditPolicy: auditPolicyPath(local.paths),
    auditLog: auditLogPath(local.paths),
  };
  await mkdir(folders.data, { recursive: true, mode: 0o711 });
  await writeAuditPolicy(local.paths);
  const started = await local.daemons.ensure(k3sDaemon(program, folders, daemonEnvironment(local)));
  context.report('waiting for the node to be ready');
  await waitForDaemon(
    local,
    [K3S_DAEMON],
    async () => {
      const kubeconfig = withNamespace(await readFile(folders.kubeconfig, 'utf8'), 'sandboxes');
      await writeFile(local.paths.kubeconfig, kubeconfig, { mode: 0o600 });
      const path = '{.items[*].status.conditions[?(@.type=="Ready")].status}';
      const kubectl = k3sCluster(local, program).kubectl;
      const ready = await run([...kubectl, 'get', 'nodes', '-o', `jsonpath=${path}`], { env: local.env });
      if (ready !== 'True') throw new Error(`its node's Ready condition is "${ready}"`);
      return true;
    },
    { what: 'the k3s cluster', deadlineMs: 180_000, everyMs: 1000, signal: context.signal },
  );
  // `down` cordons it, so that the pods it ends do not start again at once.
  await run([...k3sCluster(local, program).kubectl, 'uncordon', NODE_NAME], { env: local.env, log: context.log });
  return started ? 'k3s started' : 'k3s runs';
};
