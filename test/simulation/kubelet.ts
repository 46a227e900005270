import { CSI_DRIVER_NAME } from '../../src/api/names.ts';
import type { Pod } from '../../src/api/pod.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { ApiServer } from '../support/model-api-server/api-server.ts';
import { type Driver, KUBELET_DIR, type KubeletVolume } from './driver.ts';

/** What a kubelet keeps of a pod until nothing of it is left on the node. */
interface LocalPod {
  readonly name: string;
  readonly uid: string;
  readonly volume: KubeletVolume | undefined;
  state: 'publishing' | 'up' | 'ending' | 'down';
  isRunning: boolean;
}

/** One node's kubelet. It goes by what the API server says for as long as it hears it; its calls to the driver go on. */
export interface Kubelet {
  /** Does the next thing that is due for the pods of this name. False: nothing is. */
  readonly step: (name: string) => boolean;
  readonly podNames: () => readonly string[];
  /** Where the home of the running pod of this name is mounted; undefined: no process of it runs. */
  readonly targetOf: (name: string) => string | undefined;
  readonly stop: () => void;
}

export interface KubeletDeps {
  readonly api: ApiServer;
  readonly clock: Clock;
  readonly node: string;
  readonly driver: () => Driver;
  /** Milliseconds that the next pod's processes take to end. */
  readonly grace: () => number;
}

/** kubelet's own delays begin with this; longer ones would only make histories longer. */
const RETRY_MS = 2_000;

export const makeKubelet = ({ api, clock, node, driver, grace }: KubeletDeps): Kubelet => {
  const locals = new Map<string, LocalPod>();
  const stopping = new AbortController();

  /** A call is repeated until it goes through, or `isMoot`. */
  const insist = async (call: () => Promise<void>, isMoot: () => boolean): Promise<void> => {
    while (!isMoot() && !stopping.signal.aborted) {
      try {
        await call();
        return;
      } catch {
        await clock.sleep(RETRY_MS, stopping.signal).catch(() => undefined);
      }
    }
  };

  const begin = (pod: Pod): void => {
    const { name, uid = '' } = pod.metadata;
    const volume = volumeOf(pod);
    const local: LocalPod = {
      name,
      uid,
      volume,
      state: volume === undefined ? 'up' : 'publishing',
      isRunning: volume === undefined,
    };
    locals.set(uid, local);
    if (volume === undefined) return;
    const publish = async (): Promise<void> => {
      await insist(
        () => driver().publish(volume),
        () => local.state !== 'publishing',
      );
      if (local.state !== 'publishing') return;
      local.state = 'up';
      local.isRunning = true;
    };
    void publish();
  };

  const end = (local: LocalPod): void => {
    const { volume } = local;
    local.state = 'ending';
    const unpublish = async (): Promise<void> => {
      // Its processes take a while to end, and may write until then.
      await clock.sleep(grace(), stopping.signal).catch(() => undefined);
      local.isRunning = false;
      if (volume === undefined) {
        local.state = 'down';
        return;
      }
      await insist(
        () => driver().unpublish(volume),
        () => false,
      );
      local.state = 'down';
    };
    void unpublish();
  };

  const stepLocal = (local: LocalPod, pod: Pod | undefined): boolean => {
    const isThis = pod?.metadata.uid === local.uid;
    const isOver = !isThis || pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === 'Failed';
    if (isOver && (local.state === 'up' || local.state === 'publishing')) {
      end(local);
      return true;
    }
    if (isOver && local.state === 'down' && (!isThis || pod.metadata.deletionTimestamp !== undefined)) {
      locals.delete(local.uid);
      if (isThis) api.erase('pods', local.name);
      return true;
    }
    if (isOver || local.state !== 'up' || pod.status?.phase === 'Running') return false;
    patchStatus(api, pod, { phase: 'Running', podIP: '10.0.0.9', conditions: [{ type: 'Ready', status: 'True' }] });
    return true;
  };

  return {
    step: (name) => {
      const pod = api.newest().pods.get(name);
      for (const local of locals.values()) if (local.name === name && stepLocal(local, pod)) return true;
      const isNew = pod?.spec?.nodeName === node && !locals.has(pod.metadata.uid ?? '');
      if (!isNew || pod.status?.phase === 'Failed') return false;
      // One that is to go before anything of it was there.
      if (pod.metadata.deletionTimestamp !== undefined) api.erase('pods', name);
      else begin(pod);
      return true;
    },
    podNames: () => [...locals.values()].map((local) => local.name),
    targetOf: (name) => [...locals.values()].find((local) => local.name === name && local.isRunning)?.volume?.target,
    stop: () => stopping.abort(),
  };
};

export const patchStatus = (api: ApiServer, pod: Pod, status: NonNullable<Pod['status']>): void =>
  api.update('pods', pod.metadata.name, (newest) => ({ ...newest, status: { ...newest.status, ...status } }));

interface VolumeSpec {
  readonly name: string;
  readonly csi?: { readonly driver?: string; readonly volumeAttributes?: Readonly<Record<string, string>> };
}

/** The token is the pod's own name and uid: the model takes it for what it says. */
const volumeOf = ({ metadata: { name, uid = '' }, spec }: Pod): KubeletVolume | undefined => {
  const volumes = (spec?.['volumes'] ?? []) as readonly VolumeSpec[];
  const found = volumes.find(({ csi }) => csi?.driver === CSI_DRIVER_NAME && csi.volumeAttributes?.['tier'] === 'hot');
  if (found === undefined) return undefined;
  const target = `${KUBELET_DIR}/pods/${uid}/volumes/kubernetes.io~csi/${found.name}/mount`;
  return { volumeId: `csi-${uid}`, target, token: JSON.stringify({ name, uid }) };
};
