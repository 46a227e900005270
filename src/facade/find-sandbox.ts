import type { Sandbox } from '../api/sandbox.ts';
import { withDeadline } from '../base/deadline.ts';
import { isKubeError } from '../kube/errors.ts';
import { SANDBOXES } from '../kube/resource-types.ts';
import type { FacadeDependencies } from './dependencies.ts';
import { maySee } from './caller.ts';
import { ProblemError, sandboxNotFound } from './problem.ts';
import type { RequestState } from './request-state.ts';
import { isPassing, sandboxState } from './sandbox-status.ts';

/** Milliseconds that the API server's word is waited for where this replica could answer without it. */
const CONFIRM_MS = 2_000;

/** A name that the API server would take as well: nothing else reaches a path. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
export const isSandboxName = (text: string): boolean => NAME.test(text);

/**
 * The Sandbox of that id, from the cache; from the API server where the cache does not have it (yet), so that an id
 * that was just handed out, by this replica or another, is always found. Throws the 404, also for one that is not the
 * caller's: nobody learns that there is such a sandbox.
 */
export const findSandbox = async (
  dependencies: Pick<FacadeDependencies, 'cache' | 'kube' | 'settings'>,
  id: string,
  state: Pick<RequestState, 'caller' | 'signal'>,
): Promise<Sandbox> => cachedSandbox(dependencies, id, state) ?? readSandbox(dependencies, id, state);

/**
 * The same, and no older than what another replica has just told: one that is on its way to another state, as this
 * replica's watch has it, may be there already, so the API server is asked. What the watch says stands where that does
 * not answer.
 */
export const findSandboxNow = async (
  dependencies: Pick<FacadeDependencies, 'cache' | 'kube' | 'settings' | 'clock'>,
  id: string,
  state: Pick<RequestState, 'caller' | 'signal'>,
): Promise<Sandbox> => {
  const cached = cachedSandbox(dependencies, id, state);
  if (cached === undefined) return readSandbox(dependencies, id, state);
  if (!isPassing(sandboxState(cached))) return cached;
  const deadline = { what: `the state of sandbox ${id}`, ms: CONFIRM_MS, signal: state.signal };
  try {
    return await withDeadline(dependencies.clock, deadline, (signal) =>
      readSandbox(dependencies, id, { ...state, signal }),
    );
  } catch (error) {
    if (state.signal.aborted || error instanceof ProblemError) throw error;
    return cached;
  }
};

/** The same, as this replica's watch last heard of it; undefined where it has not. Throws the 404 as well. */
export const cachedSandbox = (
  { cache }: Pick<FacadeDependencies, 'cache'>,
  id: string,
  { caller }: Pick<RequestState, 'caller'>,
): Sandbox | undefined => {
  if (!isSandboxName(id)) throw sandboxNotFound(id);
  const cached = cache.get(id);
  if (cached !== undefined && !maySee(caller, cached)) throw sandboxNotFound(id);
  return cached;
};

/** The same, as the API server has it now. */
export const readSandbox = async (
  { kube, settings }: Pick<FacadeDependencies, 'kube' | 'settings'>,
  id: string,
  { caller, signal }: Pick<RequestState, 'caller' | 'signal'>,
): Promise<Sandbox> => {
  try {
    const ref = { type: SANDBOXES, namespace: settings.namespace, name: id };
    const sandbox = await kube.get<Sandbox>(ref, { signal });
    if (maySee(caller, sandbox)) return sandbox;
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) throw error;
  }
  throw sandboxNotFound(id);
};
