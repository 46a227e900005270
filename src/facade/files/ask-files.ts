import type { DaemonTarget } from '../daemon/connections.ts';
import type { DaemonFiles } from '../daemon/files.ts';
import { askDaemon } from '../daemon/find-daemon.ts';
import type { RequestState } from '../request-state.ts';
import type { RunningDependencies } from '../running-sandbox.ts';
import { fileProblem } from './file-problem.ts';

export type FileDependencies = RunningDependencies & {
  readonly files: DaemonFiles;
};

/** Finds a Sandbox's daemon and asks it for files; what goes wrong is thrown as a ProblemError. */
export const askFiles = async <T>(
  dependencies: RunningDependencies,
  id: string,
  state: Pick<RequestState, 'caller' | 'signal' | 'over'>,
  ask: (target: DaemonTarget) => Promise<T>,
): Promise<T> =>
  askDaemon(dependencies, id, state, ask, (error) =>
    state.signal.aborted ? state.signal.reason : fileProblem(error, id),
  );
