import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import type { ChildExit, Program } from './child.ts';

type Stdio = number | 'ignore' | 'pipe';

/**
 * Descriptors that a child would inherit and must not: the terminals of other processes, which pty.node opens without
 * close-on-exec. A background process that held one would keep that terminal from hanging up.
 */
const inheritable = new Set<number>();
let nothing: number | undefined;

export const hideFromChildren = (fd: number): { readonly closed: () => void } => {
  inheritable.add(fd);
  return { closed: () => inheritable.delete(fd) };
};

/** Starts a program as the leader of a session, and so of a process group, of its own. Rejects where that cannot be. */
export const startProgram = async (
  { argv: [file = '', ...args], cwd, env }: Pick<Program, 'argv' | 'cwd' | 'env'>,
  stdio: readonly [Stdio, Stdio, Stdio],
): Promise<ChildProcess> => {
  const child = spawn(file, args, { cwd, env, detached: true, stdio: [...stdio, ...masks()] });
  await once(child, 'spawn');
  return child;
};

/** /dev/null in place of each inheritable descriptor; for those from 3 on, `ignore` changes nothing. */
const masks = (): readonly Stdio[] => {
  if (inheritable.size === 0) return [];
  nothing ??= openSync('/dev/null', 'r+');
  const mask = nothing;
  return Array.from({ length: Math.max(...inheritable) - 2 }, (_, n) => (inheritable.has(n + 3) ? mask : 'ignore'));
};

export const exitOf = (child: ChildProcess): Promise<ChildExit> =>
  new Promise((resolve) => {
    // It may have ended before anybody could listen.
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve({ exitCode: child.exitCode, signal: child.signalCode });
    }
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
