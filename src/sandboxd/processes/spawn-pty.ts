import type { ChildProcess } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync, statSync, writeSync } from 'node:fs';
import { resolve as resolvePath } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReadStream } from 'node:tty';
import type { PtySize } from '../protocol/process.ts';
import type { Child, ChildInput, Program, TakeOutput } from './child.ts';
import { streamSource } from './output-source.ts';
import { type PtyBinding, ptyBinding } from './pty-binding.ts';
import { spawnProblem } from './spawn-problem.ts';
import { exitOf, hideFromChildren, startProgram } from './start-program.ts';

/** What a terminal takes for the end of the input, unless it was told otherwise: ^D. */
const END_OF_INPUT = Buffer.from([4]);
/** Milliseconds until a full terminal is tried again: nothing tells when it has room. */
const FULL_PAUSE_MS = 10;

/**
 * Opening a terminal makes it the controlling one of a session leader that has none; only then do ^C and hanging up mean
 * anything. The terminal is to know that characters may have several bytes, when it deletes one.
 */
const ON_TERMINAL = 'exec <>"$0"; stty iutf8; exec "$@"';

/** Starts a program on a terminal of its own. Throws a DaemonError. */
export const spawnPty = async (program: Program, { cols, rows }: PtySize, take: TakeOutput): Promise<Child> => {
  const { cwd } = program;
  const env: Readonly<Record<string, string>> = { TERM: 'xterm-256color', ...program.env };
  const binding = ptyBinding();
  try {
    // The shell in between would say only on the terminal that there is no such program.
    requireProgram(program.argv[0] ?? '', env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin', cwd);
    const { master, slave, pty } = binding.open(cols, rows);
    const hidden = hideFromChildren(master);
    const stream = new ReadStream(master);
    stream.once('close', hidden.closed);
    try {
      const argv = ['sh', '-c', ON_TERMINAL, pty, ...program.argv];
      const child = await startProgram({ argv, cwd, env }, [slave, slave, slave]);
      return childOn(stream, child, { binding, master, take });
    } catch (error) {
      stream.destroy();
      throw error;
    } finally {
      closeSync(slave);
    }
  } catch (error) {
    throw spawnProblem(error, program);
  }
};

const childOn = (
  stream: ReadStream,
  child: ChildProcess,
  { binding, master, take }: { readonly binding: PtyBinding; readonly master: number; readonly take: TakeOutput },
): Child => {
  const source = streamSource(stream, (bytes) => take('pty', bytes));
  const write = terminalWriter(master, stream);
  return {
    pid: child.pid as number,
    input: { write, end: () => write(END_OF_INPUT) },
    exited: exitOf(child),
    outputEnded: source.ended,
    pause: source.pause,
    resume: source.resume,
    letGo: source.destroy,
    destroy: source.destroy,
    resize: (size) => {
      if (!stream.destroyed) binding.resize(master, size.cols, size.rows);
    },
  };
};

/**
 * Writes to a terminal's master end, which does not block. Not by libuv's stream, which would spin on a terminal that is
 * full, nor in another thread, which could write to whatever gets the number of the descriptor next.
 */
const terminalWriter =
  (fd: number, stream: ReadStream): ChildInput['write'] =>
  async (bytes) => {
    for (let at = 0; at < bytes.length;) {
      if (stream.destroyed) throw new Error('the terminal is closed');
      const written = writeSome(fd, bytes.subarray(at));
      at += written;
      if (written === 0) await sleep(FULL_PAUSE_MS);
    }
  };

const writeSome = (fd: number, bytes: Buffer): number => {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
};

/** Throws ENOENT or EACCES where execvp would find nothing to execute. */
const requireProgram = (file: string, path: string, cwd: string): void => {
  const folders = file.includes('/') ? [cwd] : path.split(':').map((folder) => resolvePath(cwd, folder));
  const there = folders.map((folder) => resolvePath(folder, file)).filter((candidate) => existsSync(candidate));
  if (there.some(isExecutable)) return;
  throw Object.assign(new Error(`${file} cannot be executed`), { code: there.length === 0 ? 'ENOENT' : 'EACCES' });
};

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};
