import type { ContainerEnd, ContainerStatus, Pod, PodCondition } from '../api/pod.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { isDeleting, uidOf } from './seen.ts';

/** A pod with the Sandbox's name, as far as decisions go. */
export type PodView =
  | { readonly kind: 'absent' }
  /** Somebody else's: never adopted, never deleted. */
  | { readonly kind: 'foreign'; readonly owner: string }
  | { readonly kind: 'terminating'; readonly pod: Pod }
  /** Evicted, refused by the kubelet, run to its end: it will not run again. */
  | { readonly kind: 'ended'; readonly pod: Pod; readonly why: string }
  | { readonly kind: 'live'; readonly pod: Pod };

export const podView = (pod: Pod | undefined, sandbox: Sandbox): PodView => {
  if (pod === undefined) return { kind: 'absent' };
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (owner?.uid !== uidOf(sandbox)) {
    return { kind: 'foreign', owner: owner === undefined ? 'nobody' : `${owner.kind} ${owner.name} (${owner.uid})` };
  }
  if (isDeleting(pod)) return { kind: 'terminating', pod };
  const { phase, reason, message } = pod.status ?? {};
  if (phase === 'Failed' || phase === 'Succeeded') {
    return { kind: 'ended', pod, why: [reason ?? phase, message].filter(Boolean).join(': ') };
  }
  return { kind: 'live', pod };
};

export const podCondition = (pod: Pod, type: string): PodCondition | undefined =>
  pod.status?.conditions?.find((condition) => condition.type === type);

export const isPodReady = (pod: Pod): boolean => podCondition(pod, 'Ready')?.status === 'True';

/** Whether kubelet is to do something before its container runs, as it says. */
export const isWaiting = (pod: Pod): boolean =>
  pod.status?.containerStatuses?.some(({ state }) => state?.waiting !== undefined) === true;

const IMAGE_REASONS: readonly string[] = [
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
];

/** kubelet tries these again, too; but what would help is another field, or somebody who puts the image onto the node. */
const PERMANENT_IMAGE_REASONS: readonly string[] = ['InvalidImageName', 'ErrImageNeverPull'];

const STARTING_REASONS: readonly string[] = ['ContainerCreating', 'PodInitializing'];

/** Why the container does not run. */
export interface ContainerTrouble {
  readonly kind: 'image' | 'container';
  readonly message: string;
  /** It will not go away by itself. */
  readonly isPermanent: boolean;
}

/** When its container was started, in milliseconds since the epoch; undefined: it does not run. */
export const runningSince = (pod: Pod): number | undefined => {
  const running = pod.status?.containerStatuses?.find(({ state }) => state?.running !== undefined)?.state?.running;
  return running === undefined ? undefined : Date.parse(running.startedAt ?? '') || 0;
};

/** Undefined while the container runs or is on its way. */
export const containerTrouble = (pod: Pod): ContainerTrouble | undefined => {
  for (const status of pod.status?.containerStatuses ?? []) {
    const trouble = troubleOf(status);
    if (trouble !== undefined) return trouble;
  }
  return undefined;
};

const troubleOf = ({ state, lastState, restartCount }: ContainerStatus): ContainerTrouble | undefined => {
  const { waiting, terminated } = state ?? {};
  const restarts = `restarts so far: ${restartCount}`;
  if (terminated !== undefined)
    return { kind: 'container', message: `the container ${endOf(terminated)}; ${restarts}`, isPermanent: false };
  const reason = waiting?.reason;
  if (reason === undefined || STARTING_REASONS.includes(reason)) return undefined;
  const why = [reason, waiting?.message].filter(Boolean).join(': ');
  if (IMAGE_REASONS.includes(reason)) {
    return { kind: 'image', message: why, isPermanent: PERMANENT_IMAGE_REASONS.includes(reason) };
  }
  // kubelet's own words for a crash loop say how long it waits, and not what for.
  const last = lastState?.terminated;
  const message = last === undefined ? why : `${why}; it last ${endOf(last)}; ${restarts}`;
  return { kind: 'container', message, isPermanent: false };
};

const endOf = ({ exitCode, reason, message }: ContainerEnd): string => {
  const why = [reason, message].filter(Boolean).join(': ');
  return `ended with exit code ${exitCode}${why === '' ? '' : ` (${why})`}`;
};
