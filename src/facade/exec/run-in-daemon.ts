import { errorMessage } from '../../base/errors.ts';
import { DaemonError } from '../../sandboxd/protocol/problem.ts';
import type { ProcessEnd } from '../../sandboxd/protocol/process.ts';
import { type DaemonTarget, DaemonUnreachable } from '../daemon/connections.ts';
import type { DaemonProcesses } from '../daemon/processes.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { makeProblem, ProblemError } from '../problem.ts';
import { exitCodeOf } from '../processes/process-representation.ts';
import { followOutput } from '../processes/follow-output.ts';
import type { RequestState } from '../request-state.ts';
import { makeOutputCollector } from './collect-output.ts';
import type { CommandResult } from './command-result.ts';
import { type OpenCommand, openCommand, shellProcess, type ShellCommand } from './open-command.ts';

type RunDependencies = Pick<FacadeDependencies, 'clock' | 'random' | 'settings'> & {
  readonly processes: DaemonProcesses;
};

/**
 * Runs a command by the sandbox's daemon and waits for its end: one request. Throws DaemonUnreachable and DaemonError
 * where it was never started, a ProblemError where nobody knows how it ended. When the request's signal ends it, the
 * command is killed, unless an Idempotency-Key says that its client may come back for it.
 */
export const runInDaemon = async (
  dependencies: RunDependencies,
  { signal, log }: Pick<RequestState, 'signal' | 'log'>,
  target: DaemonTarget,
  command: ShellCommand,
): Promise<CommandResult> => {
  const { processes } = dependencies;
  const start = shellProcess(dependencies, command);
  let isOpen = false;
  try {
    const opened = await openCommand(processes, target, start, signal);
    isOpen = true;
    return await collect(dependencies, opened, signal);
  } catch (error) {
    if (command.id === undefined && (signal.aborted || isOpen)) kill(processes, target, start.id, log);
    if (signal.aborted || !isOpen) throw error;
    if (!(error instanceof DaemonError) && !(error instanceof DaemonUnreachable)) throw error;
    const detail = 'The connection to the sandbox ended before the command did; the command was killed';
    throw new ProblemError({ problem: makeProblem('exec-failed', detail) }, error);
  }
};

const collect = async (
  dependencies: RunDependencies,
  opened: OpenCommand,
  signal: AbortSignal,
): Promise<CommandResult> => {
  const { maxOutputBytes } = dependencies.settings;
  const stdout = makeOutputCollector(maxOutputBytes);
  const stderr = makeOutputCollector(maxOutputBytes);
  let truncated = false;
  for await (const { type, payload } of followOutput(dependencies, opened, signal)) {
    if (type === 'stdout') stdout.add(payload);
    else if (type === 'stderr') stderr.add(payload);
    // Only of one that was started before, for the same key.
    else if (type === 'gap') truncated = true;
    else if (type === 'end') {
      const end = JSON.parse(payload.toString('utf8')) as ProcessEnd;
      return {
        exitCode: exitCodeOf(end),
        stdout: stdout.text().replace(/\n+$/, ''),
        stderr: stderr.text(),
        cwd: end.cwd ?? opened.info.cwd,
        timedOut: end.timedOut,
        truncated: truncated || stdout.truncated() || stderr.truncated(),
      };
    }
  }
  throw new DaemonError('unavailable', 'the output of the command broke off');
};

/** Milliseconds that ending an abandoned command may take. */
const KILL_MS = 15_000;

const kill = (processes: DaemonProcesses, target: DaemonTarget, id: string, log: RequestState['log']): void => {
  processes.remove(target, id, AbortSignal.timeout(KILL_MS)).catch((failure: unknown) => {
    if (failure instanceof DaemonError && failure.code === 'not_found') return;
    log.warn({ reason: errorMessage(failure) }, 'an abandoned command could not be killed; its timeout ends it');
  });
};
