import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RuntimeDirectory } from './runtime-directory.ts';

/** Both ends of a pipe. Whoever takes it closes them. */
export interface Pipe {
  readonly readFd: number;
  readonly writeFd: number;
}

/**
 * Real pipes. Node gives its children socket pairs in their place, and `echo … >/dev/stderr` fails with one: Linux opens no
 * socket by its name. A FIFO that is opened at both ends and then removed is a pipe; they are made some at a time, by
 * `mkfifo`, before they are needed.
 */
export interface Pipes {
  /** Undefined where none can be made: no `mkfifo`, or nowhere to put them. */
  readonly take: () => Promise<Pipe | undefined>;
  readonly close: () => void;
}

const BATCH = 24;
/** Fewer, and the next are made. */
const LOW = 12;
/** Milliseconds until it is tried again after it has failed. */
const RETRY_MS = 5000;

export const makePipes = (directory: RuntimeDirectory, environment: Readonly<Record<string, string>>): Pipes => {
  const ready: Pipe[] = [];
  let making: Promise<void> | undefined;
  /** Forever, once closed. */
  let brokenUntil = 0;

  const make = async (): Promise<void> => {
    const folder = directory.path();
    if (folder !== undefined) {
      const names = Array.from({ length: BATCH }, (_, n) => `pipe-${n}`);
      await mkfifo(folder, names, environment);
      const opened = names.map((name) => openBoth(join(folder, name)));
      ready.push(...opened.filter((pipe) => pipe !== undefined));
    }
    if (brokenUntil === Infinity) closeAll();
    else if (ready.length === 0) brokenUntil = Date.now() + RETRY_MS;
  };
  const refill = (): Promise<void> => {
    making ??= make().finally(() => {
      making = undefined;
    });
    return making;
  };
  const closeAll = (): void => {
    for (const pipe of ready.splice(0)) closePipe(pipe);
  };

  return {
    take: async () => {
      while (ready.length === 0 && Date.now() >= brokenUntil) await refill();
      const pipe = ready.pop();
      if (ready.length < LOW && Date.now() >= brokenUntil) void refill();
      return pipe;
    },
    close: () => {
      brokenUntil = Infinity;
      closeAll();
    },
  };
};

export const closePipe = ({ readFd, writeFd }: Pipe): void => {
  closeSync(readFd);
  closeSync(writeFd);
};

const mkfifo = (folder: string, names: readonly string[], env: Readonly<Record<string, string>>): Promise<void> =>
  new Promise((resolve) => {
    const child = spawn('mkfifo', ['-m', '600', ...names], { cwd: folder, env, stdio: 'ignore' });
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });

/** Opens a FIFO at both ends and removes its name. Undefined where it is not there. */
const openBoth = (path: string): Pipe | undefined => {
  const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
  let readFd: number | undefined;
  try {
    readFd = openSync(path, O_RDONLY | O_NONBLOCK);
    return { readFd, writeFd: openSync(path, O_WRONLY) };
  } catch {
    if (readFd !== undefined) closeSync(readFd);
    return undefined;
  } finally {
    rmSync(path, { force: true });
  }
};
