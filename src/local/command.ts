import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Readable } from 'node:stream';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  readonly input?: string | Readable;
  /** A file that gets the command line and all output. */
  readonly log?: string | undefined;
  /** Each line of output as it comes, for progress. */
  readonly onLine?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the command is killed; none by default. */
  readonly timeoutMs?: number;
}

/** A program that could not be started or ended with another code than 0; the message ends with its last lines. */
export class CommandError extends Error {
  readonly exitCode: number | undefined;
  readonly output: string;

  constructor(message: string, exitCode: number | undefined, output: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.output = output;
  }
}

const LAST_LINES = 12;

/** Runs a program to its end and resolves with its standard output. Throws a CommandError. */
export const run = async (argv: readonly [string, ...string[]], options: CommandOptions = {}): Promise<string> => {
  const [program, ...args] = argv;
  if (options.log !== undefined) await mkdir(dirname(options.log), { recursive: true });
  const log = options.log === undefined ? undefined : createWriteStream(options.log, { flags: 'a', mode: 0o600 });
  log?.write(`\n$ ${argv.join(' ')}\n`);
  const limits = [options.signal, options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs)];
  const signal = AbortSignal.any(limits.filter((limit) => limit !== undefined));
  const child = spawn(program, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGTERM',
  });

  let stdout = '';
  let tail: string[] = [];
  const collect = (stream: Readable, isStdout: boolean): void => {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      if (isStdout) stdout += text;
      log?.write(text);
      // Programs redraw their progress line with a carriage return.
      const lines = (rest + text).split(/[\r\n]+/);
      rest = lines.pop() ?? '';
      for (const line of lines.filter((each) => each.trim() !== '')) {
        tail = [...tail, line].slice(-LAST_LINES);
        options.onLine?.(line);
      }
    });
    stream.on('end', () => {
      if (rest.trim() !== '') tail = [...tail, rest].slice(-LAST_LINES);
    });
  };
  collect(child.stdout, true);
  collect(child.stderr, false);
  // A program that ends without reading its input closes the pipe: its exit code says what matters.
  child.stdin.on('error', () => {});
  const { input } = options;
  if (input === undefined || typeof input === 'string') child.stdin.end(input ?? '');
  else {
    input.on('error', (error) => child.stdin.destroy(error));
    input.pipe(child.stdin);
  }

  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.on('error', (error) => {
        const aborted = options.signal?.aborted === true;
        const why = aborted ? 'was stopped' : signal.aborted ? `took over ${options.timeoutMs} ms` : 'did not start';
        reject(new CommandError(`${program} ${why}`, undefined, tail.join('\n'), error));
      });
      child.on('close', (code, killedBy) => resolve(code ?? (killedBy === null ? 1 : 128)));
    });
    if (exitCode === 0) return stdout;
    const told = tail.length === 0 ? '' : `:\n${tail.join('\n')}`;
    throw new CommandError(
      `${argv.slice(0, 3).join(' ')} ended with exit code ${exitCode}${told}`,
      exitCode,
      tail.join('\n'),
    );
  } finally {
    if (log !== undefined) {
      log.end();
      await finished(log);
    }
  }
};

/** Whether a program is found in `path` (a PATH value); the full path, or undefined. */
export const findProgram = async (name: string, path: string): Promise<string | undefined> => {
  const { access, constants } = await import('node:fs/promises');
  for (const folder of path.split(':').filter((each) => each !== '')) {
    const candidate = `${folder}/${name}`;
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
};
