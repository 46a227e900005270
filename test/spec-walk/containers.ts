import type { ContainerEnd, ContainerStatus, Pod } from '../../src/api/pod.ts';
import type { EnvVar, Resources } from '../../src/api/pod-settings.ts';
import { rfc3339 } from '../../src/base/clock.ts';
import { isMore } from '../../src/base/quantity.ts';
import type { NetworkDeps } from '../controller/world.ts';

interface Container {
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly env?: readonly EnvVar[];
  readonly resources?: Resources;
}

const IN_REGISTRY: readonly string[] = ['example/sandbox:1', 'example/other:1', 'example/crashing:1'];
const ON_NODES: readonly string[] = ['example/sandbox:1'];
/** Lower-case names with an optional registry, tag and digest. */
const REFERENCE = /^[a-z0-9]+([._:/-]+[a-z0-9]+)*(:\w[\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/u;
/** Less than this, and the runtime's own first process is killed. */
const LEAST_MEMORY = '8Mi';

const FIRST_BACK_OFF_MS = 10_000;
const LONGEST_BACK_OFF_MS = 300_000;

/** The one container of a pod, from its image to its crash loop, as kubelet tells of it. */
export const makeContainers = (api: NetworkDeps['api'], clock: NetworkDeps['clock']) => {
  /** When a container is started again, by the uid of its pod. */
  const due = new Map<string, number>();

  const set = (pod: Pod, state: ContainerStatus['state'], more: Partial<ContainerStatus> = {}): boolean => {
    const isUp = state?.running !== undefined;
    const before = api.history.length;
    const ready = { type: 'Ready', status: isUp ? ('True' as const) : ('False' as const) };
    api.update('pods', pod.metadata.name, (newest) => ({
      ...newest,
      status: {
        ...newest.status,
        phase: isUp || newest.status?.phase === 'Running' ? 'Running' : 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'True' }, ready],
        containerStatuses: [
          { name: 'sandbox', restartCount: 0, ready: isUp, ...(state === undefined ? {} : { state }), ...more },
        ],
      },
    }));
    return api.history.length > before;
  };
  const start = (pod: Pod, more: Partial<ContainerStatus> = {}): boolean =>
    set(pod, { running: { startedAt: rfc3339(clock.now()) } }, more);

  const crash = (pod: Pod, end: ContainerEnd): boolean => {
    const uid = pod.metadata.uid ?? '';
    const [status] = pod.status?.containerStatuses ?? [];
    const restartCount = status?.restartCount ?? 0;
    if (status?.state?.running !== undefined) {
      const backOff = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** restartCount);
      due.set(uid, clock.now() + backOff);
      const message = `back-off ${backOff / 1000}s restarting failed container=sandbox pod=${pod.metadata.name}`;
      return set(
        pod,
        { waiting: { reason: 'CrashLoopBackOff', message } },
        { restartCount, lastState: { terminated: end } },
      );
    }
    if (clock.now() < (due.get(uid) ?? 0)) return false;
    const isFirst = status?.lastState?.terminated === undefined;
    return start(pod, isFirst ? {} : { restartCount: restartCount + 1, lastState: { terminated: end } });
  };

  return {
    /** Does the next thing that is due for it. False: nothing is. */
    step: (pod: Pod): boolean => {
      const [container] = (pod.spec?.['containers'] ?? []) as readonly Container[];
      if (container === undefined) return false;
      const missing = imageTrouble(container);
      if (missing !== undefined) return set(pod, { waiting: missing });
      const end = endOf(container);
      if (end !== undefined) return crash(pod, end);
      return pod.status?.containerStatuses?.[0]?.state?.running === undefined && start(pod);
    },
  };
};

const imageTrouble = ({ image, imagePullPolicy }: Container) => {
  if (!REFERENCE.test(image)) {
    return {
      reason: 'InvalidImageName',
      message: `Failed to apply default image tag "${image}": invalid reference format`,
    };
  }
  if (imagePullPolicy === 'Never') {
    if (ON_NODES.includes(image)) return undefined;
    return {
      reason: 'ErrImageNeverPull',
      message: `Container image "${image}" is not present with pull policy of Never`,
    };
  }
  if (IN_REGISTRY.includes(image)) return undefined;
  return { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}": ErrImagePull: not found` };
};

/** How it ends whenever it is started; undefined: it runs. */
const endOf = ({ image, env = [], resources }: Container): ContainerEnd | undefined => {
  const memory = resources?.limits?.memory;
  if (memory !== undefined && isMore(LEAST_MEMORY, memory)) return { exitCode: 137, reason: 'OOMKilled' };
  if (env.some(({ name }) => name === 'PATH')) {
    return { exitCode: 128, reason: 'StartError', message: 'exec: "sandboxd": executable file not found in $PATH' };
  }
  return image.startsWith('example/crashing') ? { exitCode: 1, reason: 'Error' } : undefined;
};
