import type { Sandbox } from '../api/sandbox.ts';
import type { DaemonTarget } from './daemon/connections.ts';
import type { FacadeDependencies } from './dependencies.ts';
import { cachedSandbox, readSandbox } from './find-sandbox.ts';
import { problemError } from './problem.ts';
import type { RequestState } from './request-state.ts';
import { explanation, sandboxState, takesCommands } from './sandbox-status.ts';

/** Where a Sandbox runs that takes commands. */
export interface RunningSandbox {
  readonly pod: string;
  /** Undefined for the moment until the API server says which address the pod has. */
  readonly daemon: DaemonTarget | undefined;
}

/** Throws 400 where there is no container at all, and 409 where it does not take commands (now). */
export const runningSandbox = (sandbox: Sandbox): RunningSandbox => {
  const { name } = sandbox.metadata;
  const { podName, podIP, podUid } = sandbox.status ?? {};
  if (podName === undefined) {
    throw problemError('bad-request', `Sandbox ${name} has no container`, { sandbox_id: name });
  }
  const state = sandboxState(sandbox);
  if (!takesCommands(state)) {
    const why = explanation(sandbox)?.message;
    const detail = `Sandbox ${name} is not running: it is ${state}${why === undefined ? '' : ` (${why})`}`;
    throw problemError('sandbox-not-running', detail, { sandbox_id: name });
  }
  return { pod: podName, daemon: podIP === undefined || podUid === undefined ? undefined : { podIP, podUid } };
};

export type RunningDependencies = Pick<FacadeDependencies, 'cache' | 'kube' | 'settings' | 'activity'>;

/**
 * Where the Sandbox of that id runs. What the cache says suffices when it runs; before a refusal the API server is asked,
 * as somebody may have been told that it is ready, by kubectl or another replica, before this one's watch has heard it.
 * Everything that asks something of a sandbox comes by here: from now until `over` it is in use. Throws 404, and what
 * `runningSandbox` throws.
 */
export const findRunning = async (
  dependencies: RunningDependencies,
  id: string,
  state: Pick<RequestState, 'caller' | 'signal' | 'over'>,
): Promise<RunningSandbox> => {
  const cached = cachedSandbox(dependencies, id, state);
  const runs = cached !== undefined && takesCommands(sandboxState(cached)) && cached.status?.podIP !== undefined;
  const sandbox = runs ? cached : await readSandbox(dependencies, id, state);
  const running = runningSandbox(sandbox);
  const recorded = await dependencies.activity.use(sandbox, state.over);
  return recorded === sandbox ? running : runningSandbox(recorded);
};
