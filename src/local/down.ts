import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from './cluster/cluster.ts';
import { readChoice } from './cluster/facts.ts';
import { forgetHost, restoreHost } from './cluster/host.ts';
import { K3S_DAEMON, k3sCluster } from './cluster/k3s.ts';
import { NODE_NAME } from './cluster/network.ts';
import { kubernetesCluster } from './cluster/kubernetes.ts';
import { run } from './command.ts';
import { ENGINE_DAEMON } from './engine.ts';
import { findLeftovers, guestTraces, k3sTraces, kubernetesTraces, type Traces } from './leftovers.ts';
import type { Local } from './local.ts';
import { listMountsBelow, unmountBelow } from './mounts.ts';
import { purge, type PurgeOptions } from './purge.ts';
import { runInOrder } from './run-steps.ts';
import { killShims } from './shims.ts';
import { step, type Step, type StepContext } from './step.ts';

/** A cluster that `up` started, as `down` sees it. */
interface OwnCluster {
  readonly kubectl: Cluster['kubectl'];
  readonly traces: Traces;
  /** Stopped before the pods are: what would make new ones. k3s has these inside, so that its node is cordoned. */
  readonly first: readonly string[];
}

/**
 * Stops everything that `up` started here and takes away what it left on the machine. Pods end the way they always
 * end, so that homes are saved; what is kept (files, the cluster's state, images) is there again at the next `up`.
 * Every step is tried, whatever became of the others. Resolves with whether nothing was left behind.
 */
export const down = async (local: Local, options: PurgeOptions, print: (line: string) => void): Promise<boolean> => {
  const own = await ownCluster(local);
  const traces = own?.traces ?? guestTraces(local);
  const steps: readonly Step[] = [
    ...(own === undefined ? [] : podSteps(local, own)),
    step('programs', [], () => stopDaemons(local), 'see the process that is named above'),
    ...(own === undefined ? [] : machineSteps(local, own)),
  ];
  const deps = { clock: local.clock, print, logs: local.paths.logs };
  await runInOrder(steps, deps);
  const leftovers = await findLeftovers(local, traces);
  for (const leftover of leftovers) print(`left behind: ${leftover}`);
  if (own === undefined && (await readChoice(local)) !== undefined) {
    print('the product stays installed in your cluster; this removes it, with every Sandbox:');
    print(`  kubectl delete -k ${join(local.project, 'manifests/overlays/dev')}`);
  }
  if (leftovers.length > 0) {
    print('`down` again tries again; what then still is left needs your hand.');
    return false;
  }
  await forgetHost(local.paths.state);
  if (!options.state && own !== undefined) {
    print(`kept: ${local.paths.state} (the cluster and its files), ${local.paths.cache} (builds)`);
  }
  const problems = await purge(local, options, print);
  for (const problem of problems) print(`left behind: ${problem}`);
  return problems.length === 0;
};

const ownCluster = async (local: Local): Promise<OwnCluster | undefined> => {
  const choice = await readChoice(local);
  switch (choice?.kind) {
    case 'modules':
      return {
        kubectl: kubernetesCluster(local).kubectl,
        traces: kubernetesTraces(local),
        first: ['kube-scheduler', 'kube-controller-manager'],
      };
    case 'k3s':
    case 'k3s-download':
      return { kubectl: k3sCluster(local, choice.program ?? 'k3s').kubectl, traces: k3sTraces(local), first: [] };
    case 'given':
    case 'k3s-running':
    case undefined:
    default:
      return undefined;
  }
};

/** Sandboxes first, while the node driver can still save their homes; then everything else. */
const podSteps = (local: Local, own: OwnCluster): readonly Step[] => {
  const ask = (context: StepContext, ...args: string[]): Promise<string> =>
    run([...own.kubectl, ...args], { env: local.env, log: context.log, onLine: context.report });
  const answers = (context: StepContext): Promise<boolean> =>
    ask(context, 'get', '--raw=/livez', '--request-timeout=5s').then(
      () => true,
      () => false,
    );
  return [
    step(
      'sandboxes',
      [],
      async (context) => {
        for (const name of own.first) await local.daemons.stop(name, 10_000);
        if (!(await answers(context))) return 'the cluster does not run';
        // Replacements stay unscheduled, and start at the next `up`.
        if (own.first.length === 0) await ask(context, 'cordon', NODE_NAME);
        await ask(context, '-n', 'sandboxes', 'delete', 'pods', '--all', '--timeout=100s');
        return 'ended, homes saved';
      },
      'homes that are not saved stay on this machine and are saved after the next `up`',
    ),
    step(
      'pods',
      [],
      async (context) => {
        if (own.first.length === 0 || !(await answers(context))) return 'end with the cluster';
        const selector = '--field-selector=spec.nodeName!=';
        await ask(context, 'delete', 'pods', '--all-namespaces', selector, '--timeout=80s');
        return 'ended';
      },
      'what is left of them is ended below',
    ),
  ];
};

/** The order in which programs stop; those that are not named stop first. */
const STOP_ORDER = [
  'kubelet',
  'kube-proxy',
  K3S_DAEMON,
  ENGINE_DAEMON,
  'containerd',
  'kube-apiserver',
  'etcd',
  's3',
  's3-iam',
];
const STOP_GRACE_MS = 20_000;

const stopDaemons = async (local: Local): Promise<string> => {
  const names = await local.daemons.list();
  const rank = (name: string): number => STOP_ORDER.indexOf(name);
  const stopped: string[] = [];
  for (const name of names.toSorted((a, b) => rank(a) - rank(b))) {
    if (await local.daemons.stop(name, STOP_GRACE_MS)) stopped.push(name);
  }
  return stopped.length === 0 ? 'none ran' : `stopped ${stopped.join(', ')}`;
};

const machineSteps = (local: Local, own: OwnCluster): readonly Step[] => [
  step(
    'containers',
    [],
    async () => {
      const socket = own.traces.containerdSocket;
      const killed = socket === undefined ? 0 : await killShims(socket);
      return killed === 0 ? 'none left' : `${killed} killed`;
    },
    'see the processes named below',
  ),
  step(
    'mounts',
    [],
    async (context) => {
      await unmountBelow(own.traces.mountRoots, context.log);
      const left = await listMountsBelow(own.traces.mountRoots);
      if (left.length > 0) throw new Error(`still mounted: ${left.join(', ')}`);
      return 'none left';
    },
    'a process that still uses a mount keeps it: `fuser -vm` names it',
  ),
  step(
    'network',
    [],
    async (context) => {
      for (const name of own.traces.interfaces) {
        await run(['ip', 'link', 'delete', 'dev', name], { log: context.log }).catch(() => {});
      }
      // The addresses of pods that are gone.
      await rm(join(local.paths.cluster, 'cni/addresses'), { recursive: true, force: true });
      const problems = await restoreHost(local.paths.state, context.log);
      if (problems.length > 0) throw new Error(problems.join('; '));
      return 'interfaces, firewall rules and kernel settings are as they were before';
    },
    'see what is left behind below',
  ),
];
