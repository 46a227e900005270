import { SANDBOX_CONTAINER } from '../../api/names.ts';
import { errorMessage } from '../../base/errors.ts';
import type { ExecResult } from '../../kube/client.ts';
import { isKubeError } from '../../kube/errors.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { ProblemError, makeProblem, problemError } from '../problem.ts';
import type { RequestState } from '../request-state.ts';
import type { CommandResult } from './command-result.ts';
import { parseExecOutput } from './exec-output.ts';
import { KILL_SCRIPT, SUPERVISOR_COMMAND, SUPERVISOR_SCRIPT } from './supervisor-script.ts';

export interface CommandRequest {
  readonly pod: string;
  readonly command: string;
  /** Absolute. */
  readonly cwd: string;
  readonly timeoutSeconds: number;
}

/** The supervisor's own time on top of a command's: two graces of 5 s, draining, the connection. */
const SUPERVISOR_MS = 40_000;
/** Room for the record behind the output: the nonce and a path, twice. */
const RECORD_BYTES = 16_384;
const KILL_MS = 15_000;
/** What the supervisor exits with when it could not even begin. */
const CANNOT_BEGIN = 125;

/**
 * Runs a command in a sandbox, with no terminal and no input. Throws a ProblemError; a command that fails is no error.
 * When the request's signal ends it, the command is killed in the sandbox.
 */
export const runCommand = async (
  dependencies: Pick<FacadeDependencies, 'kube' | 'random' | 'settings'>,
  { signal, log }: Pick<RequestState, 'signal' | 'log'>,
  { pod, command, cwd, timeoutSeconds }: CommandRequest,
): Promise<CommandResult> => {
  const { kube, random, settings } = dependencies;
  const nonce = random.hex(16);
  const run = random.hex(8);
  const target = { namespace: settings.namespace, pod, container: SANDBOX_CONTAINER };
  const stdin = [SUPERVISOR_SCRIPT, nonce, run, cwd, String(timeoutSeconds), command]
    .map((field) => `${field}\0`)
    .join('');
  try {
    const result = await kube.exec(
      { ...target, command: SUPERVISOR_COMMAND, stdin },
      { signal, timeoutMs: timeoutSeconds * 1000 + SUPERVISOR_MS, maxBytes: settings.maxOutputBytes + RECORD_BYTES },
    );
    return toCommandResult(result, nonce, cwd, settings.maxOutputBytes);
  } catch (error) {
    const kill = async (): Promise<unknown> => {
      try {
        await kube.exec(
          { ...target, command: ['bash', '-c', KILL_SCRIPT, 'kill', run] },
          { timeoutMs: KILL_MS, maxBytes: 1024 },
        );
      } catch (failure) {
        log.warn(
          { pod, reason: errorMessage(failure) },
          'an abandoned command could not be killed; its timeout ends it',
        );
        return failure;
      }
      return undefined;
    };
    // The end of the connection ended nothing in the sandbox.
    if (isKubeError(error, 'Timeout', 'Unreachable')) throw lostProblem(error, await kill());
    // Nobody waits for the answer any more.
    if (isKubeError(error, 'Aborted')) void kill();
    throw execProblem(error);
  }
};

const toCommandResult = (result: ExecResult, nonce: string, startedIn: string, limit: number): CommandResult => {
  const stdout = parseExecOutput(result.stdout, nonce);
  const stderr = parseExecOutput(result.stderr, nonce);
  const record = stdout.record ?? stderr.record;
  const text = (output: Buffer): string => output.subarray(0, limit).toString('utf8');
  if (record?.problem === 'no-directory') {
    throw problemError('bad-request', `Directory ${startedIn} does not exist in the sandbox, or cannot be entered`);
  }
  if (record === undefined && result.exitCode === CANNOT_BEGIN) {
    throw problemError('exec-failed', `The command could not be run: ${text(stderr.output).trim()}`);
  }
  return {
    exitCode: result.exitCode,
    stdout: text(stdout.output).replace(/\n+$/, ''),
    stderr: text(stderr.output),
    cwd: record?.cwd ?? startedIn,
    timedOut: record?.timedOut ?? false,
    truncated: [stdout, stderr].some((stream) => stream.record === undefined || stream.output.length > limit),
  };
};

const failed = (detail: string, cause: unknown): ProblemError =>
  new ProblemError({ problem: makeProblem('exec-failed', detail) }, cause);

/**
 * The answer for a command whose end was not heard of, after `killFailure` came of killing it. Where that could not be
 * run for a reason, the command had the same one: containerd closes the connection when it cannot start a program, and
 * what we sent for its stdin, unread, takes the message that says so with it.
 */
const lostProblem = (error: unknown, killFailure: unknown): unknown => {
  if (isKubeError(killFailure, 'NotFound', 'ServerError')) return execProblem(killFailure);
  const lost = isKubeError(error, 'Timeout')
    ? 'The sandbox did not answer in time'
    : 'The connection to the sandbox ended before the command did';
  const state = killFailure === undefined ? 'the command was killed' : 'the command may run until its timeout ends it';
  return failed(`${lost}; ${state}`, error);
};

/** The answer for a command that was not run. */
const execProblem = (error: unknown): unknown => {
  if (isKubeError(error, 'NotFound')) {
    return new ProblemError({ problem: makeProblem('sandbox-not-running', 'The pod of the sandbox is gone') }, error);
  }
  if (isKubeError(error, 'ServerError')) {
    return /executable file not found|no such file/i.test(error.message)
      ? failed('The image of the sandbox has no bash, which commands are run with', error)
      : failed('The container of the sandbox did not take the command', error);
  }
  return error;
};
