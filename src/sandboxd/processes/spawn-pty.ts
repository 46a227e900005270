import { accessSync, constants, statSync, writeSync } from 'node:fs';
import { constants as systemConstants } from 'node:os';
import { resolve as resolvePath } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReadStream } from 'node:tty';
import type { PtySize } from '../protocol/process.ts';
import type { Child, ChildExit, ChildInput, Program, TakeOutput } from './child.ts';
import { streamSource } from './output-source.ts';
import { ptyBinding } from './pty-binding.ts';
import { spawnProblem } from './spawn-problem.ts';

/** What a terminal takes for the end of the input, unless it was told otherwise: ^D. */
const END_OF_INPUT = Buffer.from([4]);
/** Milliseconds until a full terminal is tried again: nothing tells when it has room. */
const FULL_PAUSE_MS = 10;

/** Starts a program on a terminal of its own. Throws a DaemonError. */
export const spawnPty = (program: Program, { cols, rows }: PtySize, take: TakeOutput): Child => {
  const { argv, cwd } = program;
  const env: Readonly<Record<string, string>> = { TERM: 'xterm-256color', ...program.env };
  const [file = '', ...args] = argv;
  const binding = ptyBinding();
  const { promise: exited, resolve: onExit } = Promise.withResolvers<ChildExit>();
  let fd: number;
  let pid: number;
  try {
    const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const path = findProgram(file, env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin', cwd);
    ({ fd, pid } = binding.fork(path, args, pairs, cwd, cols, rows, -1, -1, true, '', (exitCode, signal) =>
      onExit(signal === 0 ? { exitCode, signal: null } : { exitCode: null, signal: signalName(signal) }),
    ));
  } catch (error) {
    throw spawnProblem(error, program);
  }
  const stream = new ReadStream(fd);
  const source = streamSource(stream, (bytes) => take('pty', bytes));
  const write = terminalWriter(fd, stream);
  return {
    pid,
    input: { write, end: () => write(END_OF_INPUT) },
    exited,
    outputEnded: source.ended,
    pause: source.pause,
    resume: source.resume,
    letGo: source.destroy,
    destroy: source.destroy,
    resize: (size) => {
      if (!stream.destroyed) binding.resize(fd, size.cols, size.rows);
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

/** As execvp finds it; what fork() does with one that is not there can only be seen on the terminal. Throws ENOENT or EACCES. */
const findProgram = (file: string, path: string, cwd: string): string => {
  const candidates = file.includes('/')
    ? [resolvePath(cwd, file)]
    : path.split(':').map((folder) => resolvePath(cwd, folder, file));
  let fault: unknown;
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return file.includes('/') ? file : candidate;
      fault = Object.assign(new Error(`${candidate} is no file`), { code: 'EACCES' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EACCES' || fault === undefined) fault = error;
    }
  }
  throw fault instanceof Error ? fault : Object.assign(new Error(`no ${file}`), { code: 'ENOENT' });
};

const signalName = (number: number): string =>
  Object.entries(systemConstants.signals).find(([, value]) => value === number)?.[0] ?? `SIG${number}`;
