import { HOT_PATH } from '../../api/names.ts';
import { DaemonUnreachable } from '../daemon/connections.ts';
import { daemonProblem } from '../daemon/daemon-problem.ts';
import type { DaemonProcesses } from '../daemon/processes.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import type { RequestState } from '../request-state.ts';
import type { RunningSandbox } from '../running-sandbox.ts';
import type { CommandResult } from './command-result.ts';
import type { ShellCommand } from './open-command.ts';
import { runCommand } from './run-command.ts';
import { runInDaemon } from './run-in-daemon.ts';

export type ExecDependencies = Pick<FacadeDependencies, 'kube' | 'clock' | 'random' | 'settings'> & {
  readonly processes: DaemonProcesses;
};

/**
 * Runs a command and waits for its end, with no terminal and no input: by the sandbox's daemon, and through the API
 * server where the image has none. Nothing remembers a session's directory there: a command begins at home unless the
 * request says where. Throws a ProblemError; a command that fails is no error.
 */
export const execute = async (
  dependencies: ExecDependencies,
  state: Pick<RequestState, 'signal' | 'log'>,
  { name, pod, daemon }: RunningSandbox & { readonly name: string },
  command: ShellCommand,
): Promise<CommandResult> => {
  if (daemon !== undefined) {
    try {
      return await runInDaemon(dependencies, state, daemon, command);
    } catch (error) {
      if (!(error instanceof DaemonUnreachable && error.refused)) throw daemonProblem(error, name);
    }
  }
  return runCommand(dependencies, state, {
    pod,
    command: command.command,
    cwd: command.cwd ?? HOT_PATH,
    timeoutSeconds: command.timeoutSeconds,
  });
};
