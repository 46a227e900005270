import { DaemonError } from '../../sandboxd/protocol/problem.ts';
import type { Frame } from '../../sandboxd/protocol/frames.ts';
import type { ProcessInfo, StartProcess } from '../../sandboxd/protocol/process.ts';
import type { DaemonTarget } from '../daemon/connections.ts';
import type { DaemonProcesses } from '../daemon/processes.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { areShown, shellArguments, startedForAnother } from '../processes/idempotent-start.ts';
import type { FollowedProcess } from '../processes/follow-output.ts';

export interface ShellCommand {
  /** Of an Idempotency-Key: started once, and read again by whoever asks for the same again. Undefined: a new one. */
  readonly id: string | undefined;
  readonly command: string;
  /** Absolute; undefined: where the session's last command ended. */
  readonly cwd: string | undefined;
  readonly session: string;
  readonly timeoutSeconds: number;
  readonly stdin?: boolean;
}

/** A command as the daemon starts it. Its id is chosen here, so that whatever happens there is a name to end it by. */
export const shellProcess = (
  { random }: Pick<FacadeDependencies, 'random'>,
  { id, command, cwd, session, timeoutSeconds, stdin = false }: ShellCommand,
): StartProcess & { readonly id: string; readonly shell: string } => ({
  id: id ?? random.hex(16),
  shell: command,
  ...(cwd === undefined ? {} : { cwd }),
  session,
  timeoutMs: timeoutSeconds * 1000,
  stdin,
  keep: 'attached',
});

export interface OpenCommand extends FollowedProcess {
  readonly info: ProcessInfo;
}

/**
 * Starts it, in one request with reading it from its first byte on. Throws what the daemon says, and the 422 where its
 * id belongs to another command.
 */
export const openCommand = async (
  processes: Pick<DaemonProcesses, 'run'>,
  target: DaemonTarget,
  start: StartProcess & { readonly id: string; readonly shell: string },
  signal: AbortSignal,
): Promise<OpenCommand> => {
  const frames = await processes.run(target, start, signal);
  const { value: first } = await frames.next();
  if (first?.type !== 'start') throw new DaemonError('internal', 'sandboxd did not say what it started');
  const info = JSON.parse(first.payload.toString('utf8')) as ProcessInfo;
  if (!areShown(info.argv, shellArguments(start.shell))) {
    await frames.return(undefined);
    throw startedForAnother('command');
  }
  return { target, id: start.id, offset: 0, info, frames: withFirst(first, frames) };
};

async function* withFirst(first: Frame, rest: AsyncIterable<Frame>): AsyncGenerator<Frame> {
  yield first;
  yield* rest;
}
