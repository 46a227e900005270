import type { RequestState } from '../request-state.ts';
import { findRunning, type RunningDependencies } from '../running-sandbox.ts';
import type { DaemonTarget } from './connections.ts';
import { daemonProblem, unreachable } from './daemon-problem.ts';

/** The daemon of a Sandbox that takes commands. Throws a ProblemError where there is none. */
export const findDaemon = async (
  dependencies: RunningDependencies,
  id: string,
  state: Pick<RequestState, 'caller' | 'signal' | 'over'>,
): Promise<DaemonTarget> => {
  const { daemon } = await findRunning(dependencies, id, state);
  if (daemon === undefined) throw unreachable(id);
  return daemon;
};

/** Finds a Sandbox's daemon and asks it; what goes wrong is thrown as what `explain` makes of it, a ProblemError. */
export const askDaemon = async <T>(
  dependencies: RunningDependencies,
  id: string,
  state: Pick<RequestState, 'caller' | 'signal' | 'over'>,
  ask: (target: DaemonTarget) => Promise<T>,
  explain: (error: unknown) => unknown = (error) => daemonProblem(error, id),
): Promise<T> => {
  const target = await findDaemon(dependencies, id, state);
  try {
    return await ask(target);
  } catch (error) {
    throw explain(error);
  }
};
