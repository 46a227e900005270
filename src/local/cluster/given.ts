import { access, writeFile, mkdir, rm, symlink } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { findProgram, run } from '../command.ts';
import { buildGoProgram, locateGoProgram } from '../go-build.ts';
import type { Local } from '../local.ts';
import { step, type StepContext } from '../step.ts';
import { kubectlProgram } from './binaries.ts';
import type { ClusterChoice } from './choose.ts';
import type { Cluster } from './cluster.ts';
import { K3S_SOCKET } from './facts.ts';
import { withNamespace } from './kubeconfig.ts';

const READY = 'cluster';
const SOCKETS = [K3S_SOCKET, '/run/containerd/containerd.sock'] as const;

/** A cluster that was there before: it is used, and neither started nor stopped. */
export const givenCluster = async (local: Local, choice: ClusterChoice): Promise<Cluster> => {
  const kubectl = (await findProgram('kubectl', local.env.PATH ?? '')) ?? join(local.paths.bin, 'kubectl');
  return {
    steps: [
      step(
        READY,
        [],
        (context) => connect(local, choice, kubectl, context),
        'check that `kubectl get nodes` works with this KUBECONFIG and that a node is ready',
      ),
    ],
    ready: READY,
    runtime: READY,
    kubectl: [kubectl, `--kubeconfig=${local.paths.kubeconfig}`],
    ctr: await localContainerd(),
  };
};

/** `ctr` of a containerd on this machine. Whether it is a node's shows when the node's address is looked at. */
const localContainerd = async (): Promise<Cluster['ctr']> => {
  for (const socket of SOCKETS) {
    const found = await access(socket).then(
      () => true,
      () => false,
    );
    if (found) return ['ctr', `--address=${socket}`, '--namespace=k8s.io'];
  }
  return undefined;
};

const connect = async (local: Local, choice: ClusterChoice, kubectl: string, context: StepContext): Promise<string> => {
  if (kubectl.startsWith(local.paths.bin)) await buildKubectl(local, kubectl, context);
  const env = { ...local.env, KUBECONFIG: choice.kubeconfig };
  const flat = await run([kubectl, 'config', 'view', '--raw', '--flatten', '--minify'], { env });
  await mkdir(local.paths.state, { recursive: true, mode: 0o700 });
  await writeFile(local.paths.kubeconfig, withNamespace(flat, 'sandboxes'), { mode: 0o600 });
  const nodes = await run(
    [kubectl, `--kubeconfig=${local.paths.kubeconfig}`, 'get', 'nodes', '--request-timeout=20s', '-o', 'name'],
    { env: local.env, log: context.log },
  );
  return `${nodes.trim().split('\n').length} node(s) answer`;
};

const buildKubectl = async (local: Local, link: string, context: StepContext): Promise<void> => {
  const program = kubectlProgram(local.project);
  const { path, exists } = await locateGoProgram(program, local.paths.cache, local.env);
  context.report('no kubectl on PATH: building it');
  if (!exists) await buildGoProgram(program, path, { env: local.env, log: context.log, onLine: context.report });
  await mkdir(local.paths.bin, { recursive: true });
  await rm(link, { force: true });
  await symlink(path, link);
};

/** Whether one of the node addresses is this machine's: only then can it reach what listens on loopback here. */
export const isOnThisMachine = (
  nodeAddresses: readonly string[],
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): boolean => {
  const own = new Set(
    Object.values(interfaces).flatMap((addresses) => (addresses ?? []).map(({ address }) => address)),
  );
  return nodeAddresses.some((address) => own.has(address));
};

/** The internal addresses of the cluster's nodes. */
export const nodeAddresses = async (local: Local, kubectl: Cluster['kubectl']): Promise<readonly string[]> => {
  const path = '{.items[*].status.addresses[?(@.type=="InternalIP")].address}';
  const output = await run([...kubectl, 'get', 'nodes', '-o', `jsonpath=${path}`], { env: local.env });
  return output.split(' ').filter((address) => address !== '');
};
