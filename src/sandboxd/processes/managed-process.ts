import { setTimeout as sleep } from 'node:timers/promises';
import { DaemonError } from '../protocol/problem.ts';
import type { ProcessEnd, ProcessInfo, PtySize, StartProcess } from '../protocol/process.ts';
import type { BufferBudget } from './buffer-budget.ts';
import type { Program, TakeOutput } from './child.ts';
import { drainOutput } from './drain-output.ts';
import type { Linger } from './output-readers.ts';
import type { Pipes } from './pipes.ts';
import { makeProcessInput, type ProcessInput } from './process-input.ts';
import { makeProcessOutput, type ProcessOutput } from './process-output.ts';
import { endSession, KILL_GRACE_MS, signalProcess, signalSession } from './session.ts';
import { spawnPiped } from './spawn-piped.ts';
import { spawnPty } from './spawn-pty.ts';

/** One process that somebody asked for, from its start until it is forgotten. */
export interface ManagedProcess {
  readonly id: string;
  readonly pid: number;
  readonly keep: StartProcess['keep'];
  readonly info: () => ProcessInfo;
  readonly output: ProcessOutput;
  readonly input: ProcessInput;
  /** To its process group; KILL to its whole session. Throws `failed_precondition` where it has ended. */
  readonly signal: (name: NodeJS.Signals) => void;
  /** Throws `failed_precondition` where it has no terminal. */
  readonly resize: (size: PtySize) => void;
  /** Ends its session, gently or at once; resolves when it has ended. */
  readonly terminate: (gently: boolean) => Promise<void>;
  readonly ended: Promise<ProcessEnd>;
  readonly isRunning: () => boolean;
  /** Closes what a process that ended has left open: others may still hold its output. */
  readonly destroy: () => void;
}

export interface ProcessSpec {
  readonly id: string;
  readonly program: Program;
  readonly pty: PtySize | undefined;
  readonly timeoutMs: number | undefined;
  readonly keep: StartProcess['keep'];
  readonly label: string | undefined;
  /** Where its shell was when it ended; asked once. */
  readonly endedIn: () => string | null;
}

export interface ProcessSurroundings {
  readonly pipes: Pipes;
  readonly budget: BufferBudget;
  readonly linger: Linger;
}

/**
 * Starts it. Throws a DaemonError where that cannot be.
 *
 *     running   its program runs
 *     draining  the program has ended; what it, and what it left behind, still writes is read for a short time
 *     ended     its end is known and its output complete. What it left behind goes on, and writes to nobody
 */
export const startProcess = async (
  spec: ProcessSpec,
  { pipes, budget, linger }: ProcessSurroundings,
): Promise<ManagedProcess> => {
  const output = makeProcessOutput({ budget, linger, keepsForReaders: spec.keep === 'attached' });
  const take: TakeOutput = (stream, bytes) => {
    output.append(stream, bytes);
    const more = output.hasRoom();
    // The other stream as well: the room that is made sure of is for one read.
    if (!more) pause();
    return more;
  };
  let pause = (): void => undefined;
  // Nothing below refers to the whole of `spec`: what is remembered of an ended process is to be small.
  const { id, keep, endedIn, timeoutMs } = spec;
  const hasTerminal = spec.pty !== undefined;
  const started = await (spec.pty === undefined
    ? spawnPiped(spec.program, pipes, take)
    : spawnPty(spec.program, spec.pty, take));
  pause = started.pause;
  output.onRoom(started.resume);

  const facts = {
    id,
    pid: started.pid,
    argv: shownArguments(spec.program.argv),
    label: spec.label ?? null,
    cwd: spec.program.cwd,
    pty: hasTerminal,
    startedAt: new Date().toISOString(),
  };
  let state: 'running' | 'draining' | 'ended' = 'running';
  let end: ProcessEnd | null = null;
  let timedOut = false;
  let ending: Promise<void> | undefined;

  const endBy = (first: 'SIGTERM' | 'SIGHUP' | 'SIGKILL'): Promise<void> =>
    endSession(started.pid, { first, graceMs: KILL_GRACE_MS });
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          ending = endBy('SIGTERM');
        }, timeoutMs);
  const requireRunning = (): void => {
    if (state !== 'running') throw new DaemonError('failed_precondition', `process ${id} has ended`);
  };

  const finish = async (): Promise<ProcessEnd> => {
    const { exitCode, signal } = await started.exited;
    state = 'draining';
    clearTimeout(timer);
    // Nothing of what ran out of time is left when its end is told.
    await ending;
    const cwd = endedIn();
    await drainOutput(started, output);
    state = 'ended';
    started.letGo();
    end = { exitCode, signal, timedOut, cwd, endedAt: new Date().toISOString() };
    output.finish(end);
    return end;
  };
  const ended = finish();

  return {
    id,
    pid: started.pid,
    keep,
    output,
    input: makeProcessInput(started.input),
    ended,
    isRunning: () => state !== 'ended',
    destroy: started.destroy,
    info: () => ({
      ...facts,
      running: end === null,
      outputBytes: output.total(),
      outputFrom: output.from(),
      dropped: output.dropped(),
      end,
    }),
    signal: (name) => {
      requireRunning();
      if (name === 'SIGKILL') signalSession(started.pid, name);
      else signalProcess(-started.pid, name);
    },
    resize: (size) => {
      if (started.resize === undefined) {
        throw new DaemonError('failed_precondition', `process ${id} has no terminal`);
      }
      started.resize(size);
    },
    terminate: async (gently) => {
      if (state === 'running') {
        const last = gently ? (hasTerminal ? 'SIGHUP' : 'SIGTERM') : 'SIGKILL';
        await endBy(last);
      }
      // A process that waits for a disk does not even end by KILL.
      await Promise.race([ended, sleep(KILL_GRACE_MS, undefined, { ref: false })]);
    },
  };
};

const MAX_SHOWN_CHARACTERS = 8192;

/** Enough of a command line to know it by. */
const shownArguments = (argv: readonly string[]): readonly string[] => {
  const shown: string[] = [];
  let left = MAX_SHOWN_CHARACTERS;
  for (const argument of argv) {
    if (argument.length > left) return [...shown, `${argument.slice(0, left)}…`];
    shown.push(argument);
    left -= argument.length;
  }
  return shown;
};
