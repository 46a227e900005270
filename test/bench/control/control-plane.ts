import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { errorMessage } from '../../../src/base/errors.ts';
import { makeDaemons } from '../../../src/local/daemons.ts';
import { run } from '../../../src/local/command.ts';
import { POD_CIDR } from '../../../src/local/cluster/network.ts';
import { kubernetesFolders, kubernetesKubectl } from '../../../src/local/cluster/kubernetes-folders.ts';
import { LESS_COLLECTING } from '../../../src/local/cluster/start-component.ts';
import { startControlPlane } from '../../../src/local/cluster/start-control-plane.ts';
import { SYSTEM_NAMESPACE } from '../../../src/local/kustomization.ts';
import { daemonEnvironment, type Local } from '../../../src/local/local.ts';
import { openLocal } from '../../../src/local/open-local.ts';
import { localPaths } from '../../../src/local/paths.ts';
import { waitFor } from '../../../src/local/wait.ts';
import { WRITES_SCHEMA, writesFlowSchema } from './api-server-metrics.ts';

/** What a control plane of the benchmark's own is made from. */
export interface Programs {
  readonly kube: string;
  readonly kubectl: string;
  readonly kwok: string;
}

export interface ControlPlane {
  readonly local: Local;
  /** Runs kubectl as its administrator. */
  readonly kubectl: (args: readonly string[], input?: string) => Promise<string>;
  /** A kubeconfig of the controller's own ServiceAccount. */
  readonly controllerKubeconfig: string;
}

const CONTROLLER = 'matrx-controller';
/** What would need a kubelet, or is no part of what is measured. */
const LEFT_OUT: readonly string[] = ['Deployment', 'DaemonSet', 'PodDisruptionBudget', 'Service'];

/**
 * The dev cluster's own control plane in `folder`: the same programs, command lines, certificates and admission, with
 * the product's definitions, policies and roles, and `nodes` nodes that kwok plays. It takes the dev cluster's addresses,
 * so it runs in a network of its own (./own-network.ts).
 */
export const startFakeCluster = async (folder: string, programs: Programs, nodes: number): Promise<ControlPlane> => {
  const opened = openLocal();
  const paths = localPaths(folder, opened.paths.cache);
  const daemons = makeDaemons({ clock: opened.clock, records: paths.processes, logs: paths.logs });
  const local: Local = { ...opened, paths, daemons };
  await mkdir(paths.bin, { recursive: true });
  const { kube, kubectl: kubectlPath } = kubernetesFolders(local);
  await symlink(programs.kube, kube);
  await symlink(programs.kubectl, kubectlPath);
  const signal = AbortSignal.timeout(180_000);
  const context = { report: () => undefined, log: join(paths.logs, 'bench.log'), signal };
  await startControlPlane(local, context, { isMeasured: true });
  const kubectl: ControlPlane['kubectl'] = (args, input) =>
    run([...kubernetesKubectl(local), ...args], { env: local.env, ...(input === undefined ? {} : { input }) });
  await install(kubectl, local.project);
  await startKwok(local, programs.kwok);
  await makeNodes(local, kubectl, nodes);
  const controllerKubeconfig = join(folder, 'controller.kubeconfig');
  await writeFile(controllerKubeconfig, await serviceAccountKubeconfig(kubectl), { mode: 0o600 });
  return { local, kubectl, controllerKubeconfig };
};

const install = async (kubectl: ControlPlane['kubectl'], project: string): Promise<void> => {
  const apply = (input: string): Promise<string> => kubectl(['apply', '--server-side', '-f', '-'], input);
  await kubectl(['apply', '--server-side', '-k', join(project, 'crds')]);
  await kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s']);
  const documents = parseAllDocuments(await kubectl(['kustomize', join(project, 'manifests/base')]))
    .map((document) => document.toJSON() as { readonly kind: string })
    .filter(({ kind }) => !LEFT_OUT.includes(kind));
  await apply(list([...documents, ...writesFlowSchema(`system:serviceaccount:${SYSTEM_NAMESPACE}:${CONTROLLER}`)]));
  await kubectl(['wait', '--for=create', 'serviceaccount/default', '-n', 'sandboxes', '--timeout=60s']);
  await kubectl(['wait', '--for=create', `flowschema/${WRITES_SCHEMA}`, '--timeout=60s']);
};

const list = (items: readonly object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

/** Its own stages: a pod that is bound is Ready at once, one that is deleted is gone at once. */
const startKwok = (local: Local, kwok: string): Promise<boolean> =>
  local.daemons.ensure({
    name: 'kwok',
    argv: [
      kwok,
      `--kubeconfig=${local.paths.kubeconfig}`,
      '--manage-all-nodes=true',
      '--node-lease-duration-seconds=40',
      `--cidr=${POD_CIDR}`,
      // Of each pod that it plays it would write five lines.
      '--v=ERROR',
    ],
    env: { ...daemonEnvironment(local), ...LESS_COLLECTING },
  });

const makeNodes = async (local: Local, kubectl: ControlPlane['kubectl'], count: number): Promise<void> => {
  const nodes = Array.from({ length: count }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: `fake-${index}`,
      labels: { 'kubernetes.io/hostname': `fake-${index}`, 'kubernetes.io/os': 'linux' },
    },
    status: { allocatable: ROOM, capacity: ROOM },
  }));
  await kubectl(['create', '-f', '-'], list(nodes));
  await waitFor(
    async () => {
      const found = await kubectl([
        'get',
        'nodes',
        '-o',
        'jsonpath={range .items[*]}{.spec.taints}{.status.phase};{end}',
      ]);
      return found === 'Running;'.repeat(count) ? true : undefined;
    },
    { clock: local.clock, what: `${count} nodes of kwok's`, deadlineMs: 60_000 },
  );
};

const ROOM = { cpu: '1000', memory: '4Ti', pods: '10000' };

const serviceAccountKubeconfig = async (kubectl: ControlPlane['kubectl']): Promise<string> => {
  const token = (await kubectl(['create', 'token', CONTROLLER, '-n', SYSTEM_NAMESPACE, '--duration=24h'])).trim();
  const config = JSON.parse(await kubectl(['config', 'view', '--raw', '-o', 'json'])) as {
    readonly clusters: readonly object[];
  };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: config.clusters,
    users: [{ name: CONTROLLER, user: { token } }],
    contexts: [{ name: 'bench', context: { cluster: 'matrx-local', user: CONTROLLER, namespace: 'sandboxes' } }],
    'current-context': 'bench',
  });
};

/** Ends its programs; those that are gone already are no error. */
export const stopFakeCluster = async ({ local }: ControlPlane): Promise<void> => {
  for (const name of await local.daemons.list()) {
    await local.daemons.stop(name, 5_000).catch((error: unknown) => console.error(`${name}: ${errorMessage(error)}`));
  }
};
