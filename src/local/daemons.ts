import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { identifyProcess, isRunning, type ProcessIdentity } from '../base/process-identity.ts';
import { waitFor } from './wait.ts';

/** A long-running program of the local installation. */
export interface DaemonSpec {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** What else, when it changes, means a restart: the content of its configuration files. */
  readonly configuration?: string;
  readonly cwd?: string;
}

interface DaemonRecord extends ProcessIdentity {
  readonly name: string;
  readonly argv: readonly string[];
  readonly fingerprint: string;
}

/**
 * Programs that outlive the one that started them. Each has a record (pid, start time, boot) and a log file; a record
 * whose process is gone or is another one counts as stopped.
 */
export interface Daemons {
  /** Starts it unless it already runs with the same command line and configuration; resolves with whether it started. */
  readonly ensure: (spec: DaemonSpec) => Promise<boolean>;
  readonly isAlive: (name: string) => Promise<boolean>;
  /** SIGTERM, then SIGKILL after `graceMs`. Resolves with whether there was one to stop. */
  readonly stop: (name: string, graceMs: number) => Promise<boolean>;
  readonly list: () => Promise<readonly string[]>;
  /** The pids of those that run. */
  readonly pids: () => Promise<ReadonlySet<number>>;
  readonly logOf: (name: string) => string;
}

export const makeDaemons = (deps: {
  readonly clock: Clock;
  readonly records: string;
  readonly logs: string;
}): Daemons => {
  const { clock, records, logs } = deps;
  const recordPath = (name: string): string => join(records, `${name}.json`);
  const logOf = (name: string): string => join(logs, `${name}.log`);

  const read = async (name: string): Promise<DaemonRecord | undefined> => {
    const text = await readFile(recordPath(name), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as DaemonRecord);
  };
  const alive = async (name: string): Promise<DaemonRecord | undefined> => {
    const record = await read(name);
    return record !== undefined && (await isRunning(record)) ? record : undefined;
  };

  const stop = async (name: string, graceMs: number): Promise<boolean> => {
    const record = await alive(name);
    if (record === undefined) {
      await rm(recordPath(name), { force: true });
      return false;
    }
    const gone = (deadlineMs: number): Promise<true> =>
      waitFor(async () => ((await isRunning(record)) ? undefined : true), {
        clock,
        what: `the end of ${name} (pid ${record.pid})`,
        deadlineMs,
        everyMs: 50,
      });
    kill(record.pid, 'SIGTERM');
    try {
      await gone(graceMs);
    } catch {
      kill(record.pid, 'SIGKILL');
      await gone(10_000);
    }
    await rm(recordPath(name), { force: true });
    return true;
  };

  const start = async (spec: DaemonSpec, fingerprint: string): Promise<void> => {
    await mkdir(records, { recursive: true, mode: 0o700 });
    await mkdir(logs, { recursive: true, mode: 0o700 });
    // The log before this start stays readable: it says why the last one ended.
    await rename(logOf(spec.name), `${logOf(spec.name)}.1`).catch(() => {});
    const log = await open(logOf(spec.name), 'a', 0o600);
    try {
      const [program, ...args] = spec.argv;
      const child = spawn(program, args, {
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        env: spec.env,
        cwd: spec.cwd ?? '/',
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', (error) => reject(new Error(`${spec.name} does not start`, { cause: error })));
      });
      child.unref();
      const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid);
      if (identity === undefined) throw new Error(`${spec.name} ended at once: see ${logOf(spec.name)}`);
      const record: DaemonRecord = { ...identity, name: spec.name, argv: spec.argv, fingerprint };
      await writeFile(recordPath(spec.name), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
    } finally {
      await log.close();
    }
  };

  const list = async (): Promise<readonly string[]> =>
    (await readdir(records).catch(() => []))
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length));

  return Object.freeze({
    logOf,
    list,
    stop,
    isAlive: async (name: string) => (await alive(name)) !== undefined,
    ensure: async (spec: DaemonSpec) => {
      const fingerprint = fingerprintOf(spec);
      const running = await alive(spec.name);
      if (running?.fingerprint === fingerprint) return false;
      if (running !== undefined) await stop(spec.name, 10_000);
      await start(spec, fingerprint);
      return true;
    },
    pids: async () => {
      const running = await Promise.all((await list()).map(alive));
      return new Set(running.flatMap((record) => (record === undefined ? [] : [record.pid])));
    },
  });
};

/** Two equal fingerprints: the same program would be started the same way. */
export const fingerprintOf = (spec: DaemonSpec): string =>
  createHash('sha256')
    .update(JSON.stringify([spec.argv, spec.configuration ?? '', spec.cwd ?? '/']))
    .digest('hex');

const kill = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended by itself between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};
