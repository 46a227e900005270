import type { Sandbox } from '../api/sandbox.ts';
import { isKubeError } from '../kube/errors.ts';
import { SANDBOXES } from '../kube/resource-types.ts';
import type { FacadeDependencies } from './dependencies.ts';
import { sandboxNotFound } from './problem.ts';

/** A name that the API server would take as well: nothing else reaches a path. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/**
 * The Sandbox of that id, from the cache; from the API server where the cache does not have it (yet), so that an id
 * that was just handed out, by this replica or another, is always found. Throws the 404.
 */
export const findSandbox = async (
  { cache, kube, settings }: Pick<FacadeDependencies, 'cache' | 'kube' | 'settings'>,
  id: string,
  signal: AbortSignal,
): Promise<Sandbox> => {
  if (!NAME.test(id)) throw sandboxNotFound(id);
  const cached = cache.get(id);
  if (cached !== undefined) return cached;
  try {
    return await kube.get<Sandbox>({ type: SANDBOXES, namespace: settings.namespace, name: id }, { signal });
  } catch (error) {
    throw isKubeError(error, 'NotFound') ? sandboxNotFound(id) : error;
  }
};
