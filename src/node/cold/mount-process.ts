import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { withDeadline } from '../../base/deadline.ts';
import { identifyProcess, isRunning, type ProcessIdentity } from '../../base/process-identity.ts';
import { replaceFile } from './credentials-file.ts';
import { lastWords } from './mount-target.ts';

const Recorded = z.object({ pid: z.int().positive(), startTicks: z.string(), bootId: z.string() });

/** A process that is no child's child: it outlives the driver, and the next driver finds it by its file. */
export interface MountProcess {
  readonly pid: number;
  readonly running: () => Promise<boolean>;
  /** Resolves when it is gone. Looks a few times a second, as an adopted one is no child; rejects only when aborted. */
  readonly gone: (signal?: AbortSignal) => Promise<void>;
  readonly kill: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>;
}

export interface StartOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Its output goes here: a pipe would break with the driver. */
  readonly log: string;
  /** Where its identity is written. */
  readonly record: string;
}

const POLL_MS = 200;
/** How long it gets to end by itself. */
const TERM_MS = 5000;

export const startMountProcess = async (clock: Clock, options: StartOptions): Promise<MountProcess> => {
  const log = await open(options.log, 'w', 0o600);
  try {
    const child = spawn(options.program, options.args, {
      detached: true,
      cwd: '/',
      env: options.env,
      stdio: ['ignore', log.fd, log.fd],
    });
    const { pid } = child;
    if (pid === undefined) {
      const error = await new Promise<Error>((resolve) => child.once('error', resolve));
      throw new Error(`cannot start ${options.program}: ${error.message}`, { cause: error });
    }
    child.unref();
    const identity = await identifyProcess(pid);
    if (identity === undefined) throw new Error(`${options.program} has ended at once${await lastWords(options.log)}`);
    await replaceFile(options.record, JSON.stringify(identity));
    return mountProcess(clock, identity);
  } finally {
    await log.close();
  }
};

/** The process that an earlier driver has started, if it still runs. */
export const findMountProcess = async (clock: Clock, record: string): Promise<MountProcess | undefined> => {
  const text = await readFile(record, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = Recorded.safeParse(parseJson(text));
  if (!parsed.success || !(await isRunning(parsed.data))) return undefined;
  return mountProcess(clock, parsed.data);
};

/** Ends it: rclone closes its files by then, but waits for no upload. Rejects where even SIGKILL does not help. */
export const endProcess = async (clock: Clock, process: MountProcess): Promise<void> => {
  await process.kill('SIGTERM');
  const gone = (): Promise<void> =>
    withDeadline(clock, { what: 'the end of the mount process', ms: TERM_MS }, (signal) => process.gone(signal));
  await gone().catch(async () => {
    await process.kill('SIGKILL');
    await gone();
  });
};

const mountProcess = (clock: Clock, identity: ProcessIdentity): MountProcess => ({
  pid: identity.pid,
  running: () => isRunning(identity),
  gone: async (signal) => {
    while (await isRunning(identity)) await clock.sleep(POLL_MS, signal);
  },
  kill: async (signal) => {
    if (!(await isRunning(identity))) return;
    try {
      process.kill(identity.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  },
});

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
