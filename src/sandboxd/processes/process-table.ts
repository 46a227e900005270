import { randomUUID } from 'node:crypto';
import { accessSync, constants, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DaemonError } from '../protocol/problem.ts';
import type { StartProcess } from '../protocol/process.ts';
import { makeBufferBudget } from './buffer-budget.ts';
import type { Program } from './child.ts';
import { type ManagedProcess, type ProcessSpec, startProcess } from './managed-process.ts';
import { LINGER, type Linger } from './output-readers.ts';
import { makePipes } from './pipes.ts';
import { makeRuntimeDirectory } from './runtime-directory.ts';
import { shellCommand } from './shell-command.ts';
import { makeWorkingDirectories } from './working-directories.ts';

/** Every process that the daemon started and still knows of. */
export interface ProcessTable {
  /** Starts nothing where there is one of that id already: it is returned. Throws DaemonErrors. */
  readonly start: (request: StartProcess) => Promise<ManagedProcess>;
  /** Throws `not_found`. */
  readonly get: (id: string) => ManagedProcess;
  /** Oldest first. */
  readonly list: () => readonly ManagedProcess[];
  /** Kills it if it runs, and forgets it. Throws `not_found`. */
  readonly remove: (id: string) => Promise<void>;
  /** Starts nothing any more; ends all that runs, and resolves when it has ended. */
  readonly close: () => Promise<void>;
}

export interface ProcessLimits {
  readonly running: number;
  /** Ended processes that are remembered, and bytes of their output. */
  readonly ended: number;
  readonly endedBytes: number;
  /** Bytes that the output buffers share beyond what each is granted. */
  readonly sharedBytes: number;
  readonly linger: Linger;
}

export const PROCESS_LIMITS: ProcessLimits = Object.freeze({
  running: 256,
  ended: 256,
  endedBytes: 16 << 20,
  sharedBytes: 32 << 20,
  linger: LINGER,
});

/** How long readers may take to hear how it ended when the daemon stops, in milliseconds. */
const FAREWELL_MS = 1000;

export interface ProcessTableOptions {
  readonly home: string;
  /** What every process inherits. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: ProcessLimits;
}

export const makeProcessTable = ({ home, environment, limits }: ProcessTableOptions): ProcessTable => {
  const directory = makeRuntimeDirectory();
  const pipes = makePipes(directory, environment);
  const budget = makeBufferBudget(limits.sharedBytes);
  const directories = makeWorkingDirectories();
  const processes = new Map<string, ManagedProcess>();
  const starting = new Map<string, Promise<ManagedProcess>>();
  let closed = false;

  const forget = (process: ManagedProcess): void => {
    if (processes.get(process.id) === process) processes.delete(process.id);
    process.output.release();
  };

  /** Forgets ended processes that are too many: first those whose output somebody has read to the end. */
  const prune = (): void => {
    const ended = [...processes.values()].filter((process) => !process.isRunning());
    let bytes = ended.reduce((sum, { output }) => sum + output.size(), 0);
    let count = ended.length;
    const order = [...ended.filter(({ output }) => output.isRead()), ...ended.filter(({ output }) => !output.isRead())];
    for (const process of order) {
      if (count <= limits.ended && bytes <= limits.endedBytes) return;
      bytes -= process.output.size();
      count -= 1;
      forget(process);
    }
  };

  /** Where it begins: what was asked for must be there, what is only remembered need not. */
  const beginIn = ({ cwd, session }: StartProcess): string => {
    if (cwd !== undefined) {
      const fault = directoryFault(cwd);
      if (fault !== undefined) throw new DaemonError('invalid_argument', fault);
      return cwd;
    }
    const remembered = session === undefined ? undefined : directories.get(session);
    const candidates = [...(remembered === undefined ? [] : [remembered]), home];
    return candidates.find((candidate) => directoryFault(candidate) === undefined) ?? '/';
  };

  const specOf = (request: StartProcess, id: string): ProcessSpec => {
    const cwd = beginIn(request);
    const inherited: Readonly<Record<string, string>> = { ...environment, ...request.env, PWD: cwd };
    const { shell, session } = request;
    const command = shell === undefined ? undefined : shellCommand(shell, id, inherited['BASH_ENV'], directory);
    const program: Program = {
      argv: command?.argv ?? request.argv ?? [],
      cwd,
      env: { ...inherited, ...command?.env },
      stdin: request.stdin === true,
    };
    return {
      id,
      program,
      pty: request.pty,
      timeoutMs: request.timeoutMs,
      keep: request.keep,
      label: request.label,
      endedIn: () => {
        const last = command?.endedIn() ?? null;
        if (last !== null && session !== undefined) directories.set(session, last);
        return last;
      },
    };
  };

  const startNew = async (request: StartProcess, id: string): Promise<ManagedProcess> => {
    // This one is among those that start.
    const running = [...processes.values()].filter((process) => process.isRunning()).length + starting.size;
    if (running > limits.running) {
      throw new DaemonError('resource_exhausted', `${limits.running} processes run in the sandbox: end one of them`);
    }
    const process = await startProcess(specOf(request, id), { pipes, budget, linger: limits.linger });
    processes.set(id, process);
    void process.ended.then(prune);
    // It may have been closed while it started.
    if (closed) await process.terminate(false);
    return process;
  };

  return {
    start: async (request) => {
      if (closed) throw new DaemonError('unavailable', 'the sandbox is stopping');
      const id = request.id ?? randomUUID();
      const known = processes.get(id) ?? starting.get(id);
      if (known !== undefined) return known;
      // Not started within startNew's own turn, so that a second request of this id finds it.
      const promise = Promise.resolve().then(() => startNew(request, id));
      starting.set(id, promise);
      try {
        return await promise;
      } finally {
        starting.delete(id);
      }
    },
    get: (id) => {
      const process = processes.get(id);
      if (process === undefined) throw new DaemonError('not_found', `there is no process ${id}`);
      return process;
    },
    list: () => [...processes.values()],
    remove: async (id) => {
      // Whoever gave up waiting for a start may not know that it goes on.
      const process = processes.get(id) ?? (await starting.get(id)?.catch(() => undefined));
      if (process === undefined) throw new DaemonError('not_found', `there is no process ${id}`);
      processes.delete(id);
      await process.terminate(false);
      forget(process);
    },
    close: async () => {
      closed = true;
      await Promise.allSettled(starting.values());
      const all = [...processes.values()];
      await Promise.all(all.map((process) => process.terminate(true)));
      const told = Promise.all(all.map(({ output }) => output.left()));
      await Promise.race([told, sleep(FAREWELL_MS, undefined, { ref: false })]);
      for (const process of all) process.destroy();
      pipes.close();
      directory.remove();
    },
  };
};

/** Why no process can begin there. */
const directoryFault = (path: string): string | undefined => {
  try {
    if (!statSync(path).isDirectory()) return `${path} is no directory`;
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES'
      ? `directory ${path} may not be entered`
      : `there is no directory ${path}`;
  }
};
