import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the processes say of themselves, where no cgroup counts for them: those that ended are missing from it. */
export interface ProcessTable {
  readonly processes: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

/** Linux shows times in hundredths of a second to every program (USER_HZ), and memory in pages of 4 KiB or as it is. */
const TICKS_PER_SECOND = 100;

export const countProcesses = async (proc: string): Promise<number> => (await processIds(proc)).length;

export const readProcessTable = async (proc: string): Promise<ProcessTable> => {
  let cpuTicks = 0;
  let memoryBytes = 0;
  const ids = await processIds(proc);
  for (const id of ids) {
    try {
      const stat = await readFile(join(proc, id, 'stat'), 'utf8');
      // The name, in brackets, may hold anything, spaces and brackets too.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // utime, stime, and those of the children that it has waited for: fields 14 to 17 of proc_pid_stat(5).
      cpuTicks += fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
      const status = await readFile(join(proc, id, 'status'), 'utf8');
      memoryBytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
    } catch {
      // It has ended meanwhile.
    }
  }
  return { processes: ids.length, cpuSeconds: cpuTicks / TICKS_PER_SECOND, memoryBytes };
};

const processIds = async (proc: string): Promise<readonly string[]> => {
  try {
    return (await readdir(proc)).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
};
