import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { listPrograms, type RunningProgram } from '../base/process-identity.ts';

/** The processes that hold the containers of the containerd at `socket`; they outlive containerd itself. */
export const shimsOf = (programs: readonly RunningProgram[], socket: string): readonly number[] =>
  programs
    .filter(
      ({ argv }) =>
        basename(argv[0] ?? '').startsWith('containerd-shim') && argv[argv.indexOf('-address') + 1] === socket,
    )
    .map(({ pid }) => pid);

/** The parent of /proc/<pid>/stat; the name before it may hold anything (see parseProcStat). */
export const parentOf = (stat: string): number => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);

/**
 * Kills what is left of a containerd's containers: the first process of each, which takes the rest of its PID
 * namespace with it, and then the shim. Resolves with the number of shims.
 */
export const killShims = async (socket: string): Promise<number> => {
  const programs = await listPrograms();
  const shims = shimsOf(programs, socket);
  for (const { pid } of programs) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (shims.includes(parentOf(stat))) killQuietly(pid);
  }
  for (const shim of shims) killQuietly(shim);
  return shims.length;
};

const killQuietly = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
};
