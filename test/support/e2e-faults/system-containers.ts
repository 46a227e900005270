import type { Pod } from '../../../src/api/pod.ts';
import { eventually } from '../e2e/eventually.ts';
import type { Kubectl } from '../e2e/kubectl.ts';
import { containerProcesses } from './container-processes.ts';

export const SYSTEM_NAMESPACE = 'matrx-system';
/** The product's parts, as their pods are labelled: `matrx-<part>`. */
export type SystemPart = 'controller' | 'facade' | 'node';

/** One container of a part; each of them is one process. */
export interface SystemContainer {
  readonly pod: string;
  readonly podUid: string;
  readonly containerId: string;
  readonly restartCount: number;
  readonly ready: boolean;
}

/** The containers of a part's pods that are there to stay. */
export const systemContainers = async (kubectl: Kubectl, part: SystemPart): Promise<readonly SystemContainer[]> => {
  const { items } = await kubectl.json<{ readonly items: readonly Pod[] }>([
    '-n',
    SYSTEM_NAMESPACE,
    'get',
    'pods',
    `-lapp.kubernetes.io/name=matrx-${part}`,
  ]);
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .flatMap(({ metadata, status }) =>
      (status?.containerStatuses ?? []).map((container) => ({
        pod: metadata.name,
        podUid: metadata.uid ?? '',
        containerId: (container as { readonly containerID?: string }).containerID ?? '',
        restartCount: container.restartCount,
        ready: container.ready,
      })),
    );
};

/** kubelet waits 10 s, 20 s, 40 s… before it starts a container again that keeps ending. */
const BACK_WITHIN_MS = 90_000;

/**
 * SIGKILL to the main process of every container of the part, at once. Resolves with the function that waits until
 * each of the same pods runs a new, ready container.
 */
export const killPart = async (kubectl: Kubectl, part: SystemPart): Promise<() => Promise<void>> => {
  const before = await systemContainers(kubectl, part);
  if (before.length === 0) throw new Error(`no pod of matrx-${part} in ${SYSTEM_NAMESPACE}`);
  const victims = await Promise.all(before.map(async ({ containerId }) => (await containerProcesses(containerId))[0]));
  for (const { pid } of victims) process.kill(pid, 'SIGKILL');
  return () => untilBack(kubectl, part, before);
};

const untilBack = async (kubectl: Kubectl, part: SystemPart, before: readonly SystemContainer[]): Promise<void> => {
  await eventually(
    `every container of matrx-${part} was started again by itself and is ready`,
    async () => {
      const now = await systemContainers(kubectl, part);
      return before.every((old) =>
        now.some(
          ({ podUid, restartCount, ready }) => podUid === old.podUid && restartCount > old.restartCount && ready,
        ),
      );
    },
    { deadlineMs: BACK_WITHIN_MS, everyMs: 500 },
  );
};

/** The workload's kind and name, for `kubectl rollout`. */
export const workloadOf = (part: SystemPart): string =>
  part === 'node' ? 'daemonset/matrx-node' : `deployment/matrx-${part}`;

/** Waits until the workload's present template is what runs, ready. */
export const rolledOut = async (kubectl: Kubectl, part: SystemPart): Promise<void> => {
  await kubectl.run(['-n', SYSTEM_NAMESPACE, 'rollout', 'status', workloadOf(part), '--timeout=120s'], {
    deadlineMs: 130_000,
  });
};
