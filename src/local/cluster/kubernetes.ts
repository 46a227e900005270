import { mkdir, rm, symlink } from 'node:fs/promises';
import { buildGoProgram, locateGoProgram } from '../go-build.ts';
import type { Local } from '../local.ts';
import { CLUSTER_FILES, CLUSTER_PROGRAMS, installPackages, missingPackages } from '../packages.ts';
import { step, type StepContext } from '../step.ts';
import { KUBERNETES_VERSION, kubectlProgram, kubeProgram } from './binaries.ts';
import type { Cluster } from './cluster.ts';
import { kubernetesCtr, kubernetesFolders, kubernetesKubectl } from './kubernetes-folders.ts';
import { findResolver } from './resolv-conf.ts';
import { startContainerd } from './start-containerd.ts';
import { startControlPlane } from './start-control-plane.ts';
import { startNode } from './start-node.ts';

const PROGRAMS = 'Kubernetes programs';
const RUNTIME = 'container runtime';
const READY = 'cluster';

/** Kubernetes built from its own Go modules, with the distribution's containerd, runc and CNI plugins. */
export const kubernetesCluster = (local: Local): Cluster => ({
  steps: [
    step(
      'system packages',
      [],
      (context) => ensurePackages(local, context),
      'install the named packages with the package tool of this system, then run this again',
    ),
    step(
      PROGRAMS,
      [],
      (context) => ensurePrograms(local, context),
      'Go 1.21 or newer must be on PATH and must reach a Go module proxy (GOPROXY); then run this again',
    ),
    step(
      RUNTIME,
      ['system packages'],
      (context) => startContainerd(local, context),
      `see ${local.daemons.logOf('containerd')}; \`down\`, then \`up\`, starts it afresh`,
    ),
    step(
      'control plane',
      [PROGRAMS, RUNTIME],
      (context) => startControlPlane(local, context),
      `see the logs of etcd and kube-apiserver in ${local.paths.logs}; a port that is in use is named there`,
    ),
    step(
      READY,
      ['control plane'],
      (context) => startNode(local, context),
      `see the logs of kubelet and containerd in ${local.paths.logs}`,
    ),
  ],
  ready: READY,
  runtime: RUNTIME,
  kubectl: kubernetesKubectl(local),
  ctr: kubernetesCtr(local),
  resolvers: async () => (await findResolver()).servers,
});

const ensurePackages = async (local: Local, context: StepContext): Promise<string> => {
  const missing = await missingPackages(CLUSTER_PROGRAMS, CLUSTER_FILES, local.env.PATH ?? '');
  if (missing.length === 0) return 'all there';
  context.report(`installing ${missing.join(' ')}`);
  await installPackages(missing, { env: local.env, isRoot: local.isRoot, log: context.log, onLine: context.report });
  return `installed ${missing.join(' ')}`;
};

const ensurePrograms = async (local: Local, context: StepContext): Promise<string> => {
  await mkdir(local.paths.bin, { recursive: true });
  const { kube, kubectl } = kubernetesFolders(local);
  const found: string[] = [];
  // One after the other: what they have in common is compiled once.
  for (const [program, link] of [
    [kubeProgram(local.project), kube],
    [kubectlProgram(local.project), kubectl],
  ] as const) {
    const { path, exists } = await locateGoProgram(program, local.paths.cache, local.env);
    if (!exists) {
      context.report(`building ${program.name} ${KUBERNETES_VERSION} from its modules`);
      await buildGoProgram(program, path, { env: local.env, log: context.log, onLine: context.report });
    }
    await rm(link, { force: true });
    await symlink(path, link);
    found.push(`${exists ? 'built before' : 'built'}: ${path}`);
  }
  return `${KUBERNETES_VERSION}, ${found.join(', ')}`;
};
