import { createHash } from 'node:crypto';
import path from 'node:path';
import { ANNOTATION_TRACEPARENT, CSI_DRIVER_NAME, LABEL_MANAGED_BY, MANAGED_BY } from '../api/names.ts';
import type { Pod } from '../api/pod.ts';
import { ColdDriverName } from '../api/workspace-cold.ts';
import type { Clock } from '../base/clock.ts';
import { pick } from '../base/pick.ts';
import type { Tracer } from '../base/tracer.ts';
import type { Random } from '../base/random.ts';
import type { KubeClient } from '../kube/client.ts';
import { PODS } from '../kube/resource-types.ts';
import { type Informer, makeInformer } from '../runtime/informer.ts';
import { objectKey } from '../runtime/object-key.ts';
import type { Log } from '../telemetry/log.ts';
import type { ColdVolumes, ExpectedColdVolume } from './cold/cold-volumes.ts';
import type { RecentGrants } from './recent-grants.ts';
import type { Tier } from './publish-request.ts';
import type { Sessions } from './sessions.ts';
import { verifyPod } from './verify-publish.ts';

export interface AnticipateDeps {
  readonly kube: Pick<KubeClient, 'get' | 'list' | 'watch'>;
  readonly sessions: Pick<Sessions, 'begin'>;
  readonly cold: Pick<ColdVolumes, 'begin'>;
  readonly recent: Pick<RecentGrants, 'remember'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Off unless given. */
  readonly tracer?: Tracer;
  readonly namespace: string;
  readonly node: string;
  readonly kubeletDir: string;
  /** A pod is no more. */
  readonly onPodGone: (podUid: string) => void;
}

/** The controller writes the pod's uid into the Sandbox's status just after it has made the pod. */
const PATIENCE = { ms: 1000, everyMs: 25 };

/**
 * Begins the home of a pod as soon as the pod is bound to this node, which is 100 to 300 ms before kubelet asks for it:
 * so long its volume manager takes to get there, and it looks only every 300 ms whether a volume is ready. Nothing is
 * shown to anybody by it: that takes a publish and the pod's token. Whatever hinders it is left to the publish to find,
 * and to say.
 */
export const anticipatePods = async (deps: AnticipateDeps, signal: AbortSignal): Promise<void> => {
  const pods: Informer<Pod> = makeInformer<Pod>({
    client: deps.kube,
    type: PODS,
    selection: {
      namespace: deps.namespace,
      fieldSelector: `spec.nodeName=${deps.node}`,
      labelSelector: `${LABEL_MANAGED_BY}=${MANAGED_BY}`,
    },
    transform: whatIsRead(deps.tracer?.isOn === true),
    clock: deps.clock,
    random: deps.random,
    log: deps.log,
  });
  const gone = ({ metadata: { uid } }: Pod): void => {
    if (uid !== undefined) deps.onPodGone(uid);
  };
  const beginAndLook = async (pod: Pod): Promise<void> => {
    await begin(deps, pod, signal);
    // It went while its home was begun.
    if (pods.store.get(objectKey(pod))?.metadata.uid !== pod.metadata.uid) gone(pod);
  };
  pods.onChange(({ kind, object }, origin) => {
    // What was there before is kubelet's to ask for: it may be anywhere in its life.
    if (kind === 'added' && origin === 'watch') void beginAndLook(object);
    if (kind === 'deleted') gone(object);
  });
  await pods.run(signal);
};

const begin = async (deps: AnticipateDeps, pod: Pod, signal: AbortSignal): Promise<void> => {
  const [home, cold] = [expectedVolume(pod, 'hot', deps.kubeletDir), expectedVolume(pod, 'cold', deps.kubeletDir)];
  if ((home ?? cold) === undefined || pod.metadata.deletionTimestamp !== undefined) return;
  try {
    const verdict = await verifyPod(deps, pod, PATIENCE, signal);
    if (verdict.kind !== 'granted') return;
    deps.recent.remember(verdict.value);
    const nothing = Promise.resolve();
    await Promise.all([
      home === undefined ? nothing : deps.sessions.begin(verdict.value, home),
      cold === undefined ? nothing : deps.cold.begin(verdict.value, cold),
    ]);
  } catch (error) {
    if (!signal.aborted) deps.log.debug({ pod: pod.metadata.name, err: error }, 'not begun before kubelet asks');
  }
};

interface PodVolumeSpec {
  readonly name: string;
  readonly csi?: { readonly driver?: string; readonly volumeAttributes?: Readonly<Record<string, string>> };
}

const volumesOf = (pod: Pod): readonly PodVolumeSpec[] => (pod.spec?.['volumes'] ?? []) as readonly PodVolumeSpec[];

/**
 * A volume as kubelet will ask for it: pkg/volume/csi makes an inline volume's id from the pod's uid and the volume's
 * name. Were it to choose another one day, what is begun would be renamed when it asks (./sessions.ts).
 */
const expectedVolume = (pod: Pod, tier: Tier, kubeletDir: string): ExpectedColdVolume | undefined => {
  const { uid } = pod.metadata;
  const found = volumesOf(pod).find(
    ({ csi }) => csi?.driver === CSI_DRIVER_NAME && csi.volumeAttributes?.['tier'] === tier,
  );
  const driver = ColdDriverName.safeParse(found?.csi?.volumeAttributes?.['driver'] ?? 'rclone');
  if (found === undefined || uid === undefined || !driver.success) return undefined;
  const volumeId = `csi-${createHash('sha256').update(`${uid}${found.name}`).digest('hex')}`;
  const target = path.join(kubeletDir, 'pods', uid, 'volumes', 'kubernetes.io~csi', found.name, 'mount');
  return { volumeId, target, driver: driver.data };
};

/** The rest would only fill memory, on every node. */
const whatIsRead =
  (isTraced: boolean) =>
  (pod: Pod): Pod => ({
    metadata: {
      ...pick(pod.metadata, 'name', 'namespace', 'uid', 'resourceVersion', 'deletionTimestamp', 'ownerReferences'),
      ...(isTraced ? { annotations: pick(pod.metadata.annotations ?? {}, ANNOTATION_TRACEPARENT) } : {}),
    },
    spec: {
      ...pick(pod.spec ?? {}, 'nodeName'),
      volumes: volumesOf(pod).filter(({ csi }) => csi?.driver === CSI_DRIVER_NAME),
    },
  });
