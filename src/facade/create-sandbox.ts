import type { Sandbox } from '../api/sandbox.ts';
import { FIELD_MANAGER_FACADE } from '../api/names.ts';
import type { KubeObject } from '../api/meta.ts';
import { isKubeError, type KubeError } from '../kube/errors.ts';
import { SANDBOXES } from '../kube/resource-types.ts';
import type { FacadeDependencies } from './dependencies.ts';
import { kubeProblem } from './kube-problem.ts';
import { ProblemError } from './problem.ts';

/** How many random names are tried: two taken ones in a row do not happen by chance. */
const NAME_TRIES = 3;
/** 12 hex digits. */
const ID_BYTES = 6;

/**
 * Creates a Sandbox under a new id. No signal ends it: a client that leaves must not leave it open whether there is a
 * Sandbox. Where the API server did not say, it is asked; if it still does not say, the 503 names the id, so that the
 * client can look. Throws the KubeError of a refusal.
 */
export const createSandbox = async (
  dependencies: Pick<FacadeDependencies, 'kube' | 'cache' | 'random' | 'settings'>,
  make: (name: string) => KubeObject,
): Promise<Sandbox> => {
  const { kube, cache, random, settings } = dependencies;
  for (let tries = 1; ; tries++) {
    const name = `sbx-${random.hex(ID_BYTES)}`;
    try {
      const created = (await kube.create(SANDBOXES, settings.namespace, make(name), {
        fieldManager: FIELD_MANAGER_FACADE,
      })) as Sandbox;
      cache.put(created);
      return created;
    } catch (error) {
      if (isKubeError(error, 'Timeout', 'Unreachable', 'ServerError')) return findCreated(dependencies, name, error);
      if (tries === NAME_TRIES || !isKubeError(error, 'AlreadyExists')) throw error;
    }
  }
};

const findCreated = async (
  { kube, settings }: Pick<FacadeDependencies, 'kube' | 'settings'>,
  name: string,
  failure: KubeError,
): Promise<Sandbox> => {
  try {
    return await kube.get<Sandbox>({ type: SANDBOXES, namespace: settings.namespace, name });
  } catch (error) {
    const { problem, headers = {} } = kubeProblem(failure);
    const mayExist = !isKubeError(error, 'NotFound');
    throw new ProblemError({ problem: mayExist ? { ...problem, sandbox_id: name } : problem, headers }, failure);
  }
};
