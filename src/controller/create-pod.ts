import { FIELD_MANAGER_CONTROLLER } from '../api/names.ts';
import type { Pod } from '../api/pod.ts';
import type { PodRefusal } from '../domain/observed.ts';
import type { KubeClient } from '../kube/client.ts';
import { isKubeError } from '../kube/errors.ts';
import { PODS } from '../kube/resource-types.ts';
import type { Caches } from './caches.ts';
import { find } from './confirm.ts';
import { placeInUserNamespace } from './user-namespaces.ts';

export interface CreatePodDeps {
  readonly client: Pick<KubeClient, 'get' | 'list' | 'create'>;
  readonly caches: Pick<Caches, 'pods'>;
  readonly namespace: string;
}

/**
 * Makes the pod, or finds that an earlier attempt, whose answer never came, has made it. Resolves with why the API server
 * will not have it; throws a KubeError where trying again is all there is to do.
 */
export const createPod = async (
  deps: CreatePodDeps,
  wanted: Pod,
  signal: AbortSignal,
): Promise<PodRefusal | undefined> => {
  const { client, caches, namespace } = deps;
  const placed = await placeInUserNamespace(client, wanted, signal);
  if ('refusal' in placed) return placed.refusal;
  const { pod } = placed;
  try {
    caches.pods.put(await client.create<Pod>(PODS, namespace, pod, { signal, fieldManager: FIELD_MANAGER_CONTROLLER }));
    return undefined;
  } catch (error) {
    if (isKubeError(error, 'AlreadyExists')) return adopt(deps, pod, signal);
    // Pod Security, a quota, an admission webhook, a RuntimeClass that is not there: only a person can help.
    if (isKubeError(error, 'Forbidden', 'Invalid', 'BadRequest')) {
      return { reason: 'PodRefused', message: `${error.message}${remedy(pod, error.message)}` };
    }
    throw error;
  }
};

const remedy = (pod: Pod, refusal: string): string =>
  pod.spec?.hostUsers === false && refusal.includes('PodSecurity')
    ? '; a template with security.sudo needs the component manifests/components/sudo'
    : '';

const adopt = async (deps: CreatePodDeps, pod: Pod, signal: AbortSignal): Promise<PodRefusal | undefined> => {
  const found = await find<Pod>(deps, PODS, pod.metadata.name, signal);
  // Gone again in between: the next pass makes it.
  if (found === undefined) return undefined;
  const owner = found.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (owner !== undefined && owner.uid === pod.metadata.ownerReferences?.[0]?.uid) {
    deps.caches.pods.put(found);
    return undefined;
  }
  return {
    reason: 'PodNameTaken',
    message: `a pod named ${pod.metadata.name} exists and belongs to ${owner === undefined ? 'nobody' : `${owner.kind} ${owner.name}`}; delete it or give the sandbox another name`,
  };
};
