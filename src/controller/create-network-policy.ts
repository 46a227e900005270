import { FIELD_MANAGER_CONTROLLER } from '../api/names.ts';
import type { NetworkPolicy } from '../api/network-policy.ts';
import type { PodRefusal } from '../domain/observed.ts';
import type { KubeClient } from '../kube/client.ts';
import { isKubeError } from '../kube/errors.ts';
import { NETWORK_POLICIES } from '../kube/resource-types.ts';

/**
 * Makes the policy, or finds that it is there: its name is made from what it says. Resolves with why the API server will
 * not have it; throws a KubeError where trying again is all there is to do.
 */
export const createNetworkPolicy = async (
  client: Pick<KubeClient, 'create'>,
  namespace: string,
  policy: NetworkPolicy,
  signal: AbortSignal,
): Promise<PodRefusal | undefined> => {
  try {
    await client.create(NETWORK_POLICIES, namespace, policy, { signal, fieldManager: FIELD_MANAGER_CONTROLLER });
    return undefined;
  } catch (error) {
    if (isKubeError(error, 'AlreadyExists')) return undefined;
    if (isKubeError(error, 'Forbidden', 'Invalid', 'BadRequest')) {
      return { reason: 'PodRefused', message: `the NetworkPolicy of its template's allow-list: ${error.message}` };
    }
    throw error;
  }
};
