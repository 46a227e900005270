import type { Pod } from '../api/pod.ts';
import type { Clock } from '../base/clock.ts';
import type { KubeClient } from '../kube/client.ts';
import { PODS } from '../kube/resource-types.ts';
import type { Log } from '../telemetry/log.ts';
import { makeChangeSignal } from './change-signal.ts';
import type { Mounts } from './mounts.ts';

/** What belongs to a pod and has to be released when that is no more. */
export interface PodVolume {
  readonly view: () => { readonly record: PodVolumeRecord };
  readonly release: () => Promise<void>;
}

interface PodVolumeRecord {
  readonly workspace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly target: string;
  readonly released: boolean;
}

export interface OrphanDeps {
  readonly kube: Pick<KubeClient, 'list'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly mounts: Pick<Mounts, 'isMounted'>;
  /** Homes and cold storage alike. */
  readonly volumes: () => readonly PodVolume[];
  readonly namespace: string;
  readonly node: string;
}

const EVERY_MS = 30_000;
/**
 * kubelet unpublishes what it has mounted, also after a forced deletion of the pod, once the containers are dead. So a
 * home that is still mounted is left to it for this long: releasing it earlier could miss the last writes.
 */
const PATIENCE_MS = 10 * 60_000;

type Lookout = 'running' | 'ended' | 'gone';

/** What the API says of a session's pod. A pod of the same name but another uid is another pod. */
export const lookFor = (session: { readonly podUid: string }, pods: readonly Pod[]): Lookout => {
  const pod = pods.find((candidate) => candidate.metadata.uid === session.podUid);
  if (pod === undefined) return 'gone';
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' ? 'ended' : 'running';
};

/**
 * A pod that has ended or is gone will not run again. When nothing of it is mounted, nobody will call unpublish either:
 * after a reboot of the node, say. `goneForMs` is how long the pod has been seen gone.
 */
export const isOrphan = (pod: Lookout, mounted: boolean, goneForMs: number): boolean =>
  pod !== 'running' && (!mounted || (pod === 'gone' && goneForMs >= PATIENCE_MS));

/** Releases the volumes whose pod is no more. */
export interface OrphanWatch {
  /** Looks every 30 s, the first time at once, until `signal` is aborted. Never rejects. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Looks as soon as it can: what was begun for a pod that went before kubelet asked is nobody's to unpublish. */
  readonly lookNow: () => void;
}

export const makeOrphanWatch = (deps: OrphanDeps): OrphanWatch => {
  const goneSince = new Map<string, number>();
  const change = makeChangeSignal(deps.clock);
  let wanted = false;
  const look = async (signal: AbortSignal): Promise<void> => {
    wanted = false;
    try {
      await releaseOrphans(deps, goneSince, signal);
    } catch (error) {
      if (!signal.aborted) deps.log.warn({ err: error }, 'cannot look for orphaned homes; trying again');
    }
  };
  return {
    run: async (signal) => {
      while (!signal.aborted) {
        await look(signal);
        await change.until(() => wanted, EVERY_MS, signal).catch(() => undefined);
      }
    },
    lookNow: () => {
      wanted = true;
      change.notify();
    },
  };
};

const releaseOrphans = async (deps: OrphanDeps, goneSince: Map<string, number>, signal: AbortSignal): Promise<void> => {
  // Before the list is asked for: one that begins meanwhile is not in it, and its pod not in the list.
  const volumes = deps.volumes().filter((volume) => !volume.view().record.released);
  if (volumes.length === 0) return;
  const { items } = await deps.kube.list<Pod>(
    PODS,
    { namespace: deps.namespace, fieldSelector: `spec.nodeName=${deps.node}` },
    { signal },
  );
  for (const volume of volumes) await judge(deps, volume, items, goneSince);
};

const judge = async (
  deps: OrphanDeps,
  volume: PodVolume,
  pods: readonly Pod[],
  goneSince: Map<string, number>,
): Promise<void> => {
  const { record } = volume.view();
  const pod = lookFor(record, pods);
  const now = deps.clock.monotonic();
  if (pod === 'running') goneSince.delete(record.target);
  const since = goneSince.get(record.target) ?? now;
  if (pod === 'gone') goneSince.set(record.target, since);
  if (!isOrphan(pod, await deps.mounts.isMounted(record.target), now - since)) return;
  deps.log.warn({ workspace: record.workspace, pod: record.pod }, 'the pod is no more: saving its files');
  goneSince.delete(record.target);
  await volume.release();
};
