import { systemClock } from '../../../src/base/clock.ts';
import type { Cluster } from '../e2e/cluster.ts';
import { eventually } from '../e2e/eventually.ts';
import { containerProcesses } from './container-processes.ts';
import { SYSTEM_NAMESPACE, systemContainers } from './system-containers.ts';

interface Lease {
  readonly spec: { readonly holderIdentity?: string };
}

/** The pod of the controller that leads. */
export const leader = async (cluster: Cluster): Promise<string> => {
  const lease = await cluster.kubectl.json<Lease>([`--namespace=${SYSTEM_NAMESPACE}`, 'get', 'lease/matrx-controller']);
  return (lease.spec.holderIdentity ?? '').split('_')[0] ?? '';
};

/** Waits until a pod other than `than` leads, and says on stderr how long it took. Resolves with that pod. */
export const untilAnotherLeads = async (cluster: Cluster, than: string): Promise<string> => {
  const begun = systemClock.monotonic();
  const other = await eventually(
    'another controller leads',
    async () => {
      const now = await leader(cluster);
      return now !== '' && now !== than && now;
    },
    { deadlineMs: 60_000, everyMs: 200, signal: cluster.signal },
  );
  process.stderr.write(`another controller led after ${Math.round(systemClock.monotonic() - begun)} ms\n`);
  return other;
};

/** The process id, on this machine, of the controller in the pod. */
export const processOf = async (cluster: Cluster, pod: string): Promise<number> => {
  const found = (await systemContainers(cluster.kubectl, 'controller')).find((container) => container.pod === pod);
  return (await containerProcesses(found?.containerId ?? ''))[0].pid;
};
