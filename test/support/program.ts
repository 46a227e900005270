import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach } from '@jest/globals';

/** A program of the tests in a process of its own, for what has to be killed. It ends with the test. */
export interface TestProgram {
  /** The first line that it printed: where it listens. */
  readonly said: string;
  readonly pid: number;
  /** Resolves when it is gone. */
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>;
}

const running = new Set<ChildProcessByStdio<Writable, Readable, null>>();

afterEach(async () => {
  await Promise.all([...running].map((child) => end(child, 'SIGKILL')));
});

/** `options` is JSON for the program (readOptions). Resolves when it has printed its first line. */
export const startProgram = async (path: URL, options: object): Promise<TestProgram> => {
  const child = spawn(process.execPath, ['--no-warnings', fileURLToPath(path), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  running.add(child);
  const lines = createInterface({ input: child.stdout });
  const said = await Promise.race([
    once(lines, 'line').then(([line]) => line as string),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${path.pathname} ended with ${String(code)} before it said anything`);
    }),
  ]);
  return { said, pid: child.pid ?? 0, kill: (signal = 'SIGKILL') => end(child, signal) };
};

const end = async (child: ChildProcessByStdio<Writable, Readable, null>, signal: NodeJS.Signals): Promise<void> => {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
};
