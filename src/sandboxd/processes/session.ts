import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds that a process has between TERM and KILL. */
export const KILL_GRACE_MS = 5000;
/** After KILL a process is gone as soon as the kernel lets it: not before its disk answers, for one. */
const KILL_PATIENCE_MS = 2000;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 200;

/**
 * Ends every process of a session: by `first`, and by KILL what is still there after `graceMs`. Whoever made itself a
 * session of its own is none of it. Resolves when none is left.
 */
export const endSession = async (
  session: number,
  { first, graceMs }: { readonly first: 'SIGTERM' | 'SIGHUP' | 'SIGKILL'; readonly graceMs: number },
): Promise<void> => {
  if (first !== 'SIGKILL') {
    signalSession(session, first);
    // One that is stopped takes it only when it goes on.
    signalSession(session, 'SIGCONT');
    if (await isOver(session, graceMs)) return;
  }
  signalSession(session, 'SIGKILL');
  await isOver(session, KILL_PATIENCE_MS, () => signalSession(session, 'SIGKILL'));
};

const isOver = async (session: number, patienceMs: number, again?: () => void): Promise<boolean> => {
  const end = performance.now() + patienceMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    if (sessionMembers(session).length === 0) return true;
    if (performance.now() >= end) return false;
    again?.();
    await sleep(Math.min(pause, Math.max(1, end - performance.now())));
  }
};

export const signalSession = (session: number, signal: NodeJS.Signals): void => {
  for (const pid of sessionMembers(session)) signalProcess(pid, signal);
};

/** False where there is no such process, or group (a negative number), any more. */
export const signalProcess = (pid: number, signal: NodeJS.Signals | number): boolean => {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
};

/** The processes of a session that still run. */
const sessionMembers = (session: number): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isMember(pid, session));

const isMember = (pid: number, session: number): boolean => {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return false;
  }
  // pid (name) state ppid pgrp session …: the name may hold anything, also parentheses.
  const [state, , , sid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(sid) === session && state !== 'Z' && state !== 'X';
};
