import { spawn } from 'node:child_process';

export interface CommandOptions {
  /** Milliseconds after which the command and its children are killed and the promise rejects. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly stdin?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly cwd?: string | undefined;
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A command that could not be run, missed its deadline, or (`succeed`) ended with another code than 0. */
export class CommandError extends Error {
  readonly result: CommandResult;

  constructor(message: string, result: CommandResult) {
    super(`${message}\n${tail(result.stdout.toString())}${tail(result.stderr)}`);
    this.name = 'CommandError';
    this.result = result;
  }
}

const tail = (text: string): string => (text === '' ? '' : `${text.slice(-4000).trimEnd()}\n`);
const abbreviate = (text: string): string => (text.length <= 200 ? text : `${text.slice(0, 200)}…`);

/** Runs a command to its end, whatever its exit code. Rejects with a CommandError when the deadline or the signal ends it. */
export const runCommand = (command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> =>
  new Promise((resolve, reject) => {
    const line = abbreviate([command, ...args].join(' '));
    if (options.signal?.aborted === true) {
      reject(new Error(`${line}: not started, the test is over`, { cause: options.signal.reason }));
      return;
    }
    // A group of its own, so that the end of a shell is the end of what it started.
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      // A test's own environment, which the test may have changed, is not the one that children get by default.
      env: options.env ?? process.env,
      cwd: options.cwd,
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const result = (exitCode: number): CommandResult => ({
      exitCode,
      stdout: Buffer.concat(stdout),
      stderr: Buffer.concat(stderr).toString(),
    });
    let ended: string | undefined;
    const end = (why: string): void => {
      ended = why;
      if (child.pid !== undefined) killGroup(child.pid);
    };
    const onAbort = (): void => {
      end('ended with the test');
    };
    const timer = setTimeout(() => {
      end(`no answer within ${options.deadlineMs / 1000} s`);
    }, options.deadlineMs);
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
    };
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A command that ends without reading its input is judged by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin ?? '');
    child.once('error', (error) => {
      settle();
      reject(new CommandError(`${line}: ${error.message}`, result(-1)));
    });
    child.once('close', (code, signal) => {
      settle();
      if (ended !== undefined) reject(new CommandError(`${line}: ${ended}`, result(-1)));
      else if (code === null) reject(new CommandError(`${line}: killed by ${String(signal)}`, result(-1)));
      else resolve(result(code));
    });
  });

/** As runCommand, and any exit code but 0 is a CommandError too. */
export const succeed = async (
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> => {
  const result = await runCommand(command, args, options);
  if (result.exitCode === 0) return result;
  throw new CommandError(
    `${abbreviate([command, ...args].join(' '))}: ended with exit code ${result.exitCode}`,
    result,
  );
};

const killGroup = (pid: number): void => {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself in this very moment.
  }
};
