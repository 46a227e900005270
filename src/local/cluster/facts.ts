import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { findProgram } from '../command.ts';
import type { Local } from '../local.ts';
import { listPrograms, type RunningProgram } from '../../base/process-identity.ts';
import type { ClusterChoice, ClusterFacts } from './choose.ts';

/** Where a k3s that runs as a service of the machine keeps its kubeconfig and its containerd. */
export const K3S_KUBECONFIG = '/etc/rancher/k3s/k3s.yaml';
export const K3S_SOCKET = '/run/k3s/containerd/containerd.sock';

const choicePath = (local: Local): string => join(local.paths.state, 'cluster.json');

export const readChoice = async (local: Local): Promise<ClusterChoice | undefined> => {
  const text = await readFile(choicePath(local), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as ClusterChoice);
};

export const writeChoice = async (local: Local, choice: ClusterChoice): Promise<void> => {
  await mkdir(local.paths.state, { recursive: true, mode: 0o700 });
  await writeFile(choicePath(local), `${JSON.stringify(choice, null, 2)}\n`, { mode: 0o600 });
};

/** Looks at the machine. */
export const clusterFacts = async (local: Local): Promise<ClusterFacts> => {
  const { kubeconfig } = local.settings;
  const serving = (await exists(K3S_KUBECONFIG)) && (await exists(K3S_SOCKET));
  return {
    // What `env` printed comes back through the environment when `up` runs in the same shell.
    kubeconfig: kubeconfig === local.paths.kubeconfig ? undefined : kubeconfig,
    earlier: await readChoice(local),
    k3sProgram: await findProgram('k3s', local.env.PATH ?? ''),
    k3sServing: serving ? K3S_KUBECONFIG : undefined,
    isRoot: local.isRoot,
  };
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * A kubelet that is not ours: two on one machine fight over the same folder and the same containers. The multi-call
 * programs (`kube kubelet`, `k3s server`) have one inside.
 */
export const foreignKubelet = (
  programs: readonly RunningProgram[],
  own: ReadonlySet<number>,
): RunningProgram | undefined =>
  programs.find(({ pid, argv }) => {
    if (own.has(pid)) return false;
    const [program = '', first = ''] = argv;
    const name = basename(program);
    if (name === 'kubelet') return true;
    if (name === 'k3s' || name === 'k3s-server')
      return name === 'k3s-server' || first === 'server' || first === 'agent';
    return name === 'kube' && first === 'kubelet';
  });

/** Throws when another kubelet runs here. */
export const refuseForeignKubelet = async (local: Local): Promise<void> => {
  const found = foreignKubelet(await listPrograms(), await local.daemons.pids());
  if (found === undefined) return;
  throw new Error(
    `another kubelet runs on this machine (pid ${found.pid}: ${found.argv.slice(0, 2).join(' ')}): set KUBECONFIG to use its cluster, or stop it first`,
  );
};
