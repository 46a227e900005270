import { errorMessage } from '../../base/errors.ts';
import { DaemonError } from '../../sandboxd/protocol/problem.ts';
import type { ProcessEnd, ProcessInfo, StartProcess } from '../../sandboxd/protocol/process.ts';
import { type DaemonTarget, DaemonUnreachable } from '../daemon/connections.ts';
import type { DaemonProcesses } from '../daemon/processes.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { makeProblem, ProblemError } from '../problem.ts';
import { exitCodeOf } from '../processes/process-representation.ts';
import { followOutput } from '../processes/follow-output.ts';
import type { RequestState } from '../request-state.ts';
import { makeOutputCollector } from './collect-output.ts';
import type { CommandResult } from './command-result.ts';

export interface ShellCommand {
  readonly command: string;
  /** Absolute; undefined: where the session's last command ended. */
  readonly cwd: string | undefined;
  readonly session: string;
  readonly timeoutSeconds: number;
}

/** A command as the daemon starts it. Its id is chosen here, so that whatever happens there is a name to end it by. */
export const shellProcess = (
  { random }: Pick<FacadeDependencies, 'random'>,
  { command, cwd, session, timeoutSeconds }: ShellCommand,
): StartProcess & { readonly id: string } => ({
  id: random.hex(16),
  shell: command,
  ...(cwd === undefined ? {} : { cwd }),
  session,
  timeoutMs: timeoutSeconds * 1000,
  keep: 'attached',
});

/** Milliseconds that ending an abandoned command may take. */
const KILL_MS = 15_000;

/**
 * Runs a command by the sandbox's daemon and waits for its end: one request. Throws DaemonUnreachable and DaemonError
 * where it was never started, a ProblemError where nobody knows how it ended. When the request's signal ends it, the
 * command is killed.
 */
export const runInDaemon = async (
  dependencies: Pick<FacadeDependencies, 'clock' | 'random' | 'settings'> & { readonly processes: DaemonProcesses },
  { signal, log }: Pick<RequestState, 'signal' | 'log'>,
  target: DaemonTarget,
  command: ShellCommand,
): Promise<CommandResult> => {
  const { processes, settings } = dependencies;
  const start = shellProcess(dependencies, command);
  const stdout = makeOutputCollector(settings.maxOutputBytes);
  const stderr = makeOutputCollector(settings.maxOutputBytes);
  let info: ProcessInfo | undefined;
  const collect = async (): Promise<ProcessEnd> => {
    const followed = { target, id: start.id, offset: 0, reader: undefined };
    const frames = await processes.run(target, start, signal);
    for await (const frame of followOutput(dependencies, { ...followed, frames }, signal)) {
      if (frame.type === 'stdout') stdout.add(frame.payload);
      else if (frame.type === 'stderr') stderr.add(frame.payload);
      else if (frame.type === 'start') info = JSON.parse(frame.payload.toString('utf8')) as ProcessInfo;
      else if (frame.type === 'end') return JSON.parse(frame.payload.toString('utf8')) as ProcessEnd;
    }
    throw new DaemonError('unavailable', 'the output of the command broke off');
  };
  try {
    const end = await collect();
    return {
      exitCode: exitCodeOf(end),
      stdout: stdout.text().replace(/\n+$/, ''),
      stderr: stderr.text(),
      cwd: end.cwd ?? info?.cwd ?? command.cwd ?? '',
      timedOut: end.timedOut,
      truncated: stdout.truncated() || stderr.truncated(),
    };
  } catch (error) {
    if (signal.aborted || info !== undefined) {
      processes.remove(target, start.id, AbortSignal.timeout(KILL_MS)).catch((failure: unknown) => {
        if (failure instanceof DaemonError && failure.code === 'not_found') return;
        log.warn({ reason: errorMessage(failure) }, 'an abandoned command could not be killed; its timeout ends it');
      });
    }
    if (signal.aborted || info === undefined) throw error;
    if (!(error instanceof DaemonError) && !(error instanceof DaemonUnreachable)) throw error;
    throw new ProblemError(
      {
        problem: makeProblem(
          'exec-failed',
          'The connection to the sandbox ended before the command did; the command was killed',
        ),
      },
      error,
    );
  }
};
