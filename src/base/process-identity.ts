import { readFile, readdir, readlink } from 'node:fs/promises';

/**
 * Which process a pid means. Pids are used again, so a record is only good together with the process's start time
 * (clock ticks since boot) and the boot it was taken in.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: string;
  readonly bootId: string;
}

/**
 * The state letter and start time of /proc/<pid>/stat. The command's name stands in parentheses and may itself hold
 * spaces and parentheses, so fields are counted from the last one (proc_pid_stat(5): state is field 3, starttime 22).
 */
export const parseProcStat = (stat: string): { readonly state: string; readonly startTicks: string } | undefined => {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  return state === undefined || startTicks === undefined ? undefined : { state, startTicks };
};

const readOrUndefined = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);

const bootId = async (): Promise<string> => ((await readOrUndefined('/proc/sys/kernel/random/boot_id')) ?? '').trim();

/** The running process behind a pid; undefined when there is none or it is a zombie. */
export const identifyProcess = async (pid: number): Promise<ProcessIdentity | undefined> => {
  const stat = parseProcStat((await readOrUndefined(`/proc/${pid}/stat`)) ?? '');
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
  return { pid, startTicks: stat.startTicks, bootId: await bootId() };
};

/** Whether the recorded process is still that process and runs. */
export const isRunning = async (recorded: ProcessIdentity): Promise<boolean> => {
  const now = await identifyProcess(recorded.pid);
  return now !== undefined && now.startTicks === recorded.startTicks && now.bootId === recorded.bootId;
};

export interface RunningProgram {
  readonly pid: number;
  readonly argv: readonly string[];
}

/** Which machine or container a process belongs to; undefined where it is another user's, whom nobody may ask. */
const pidNamespace = (pid: number | 'self'): Promise<string | undefined> =>
  readlink(`/proc/${pid}/ns/pid`).catch(() => undefined);

/**
 * Every process with a command line (kernel threads have none) but those of containers: they have a pid namespace, and
 * mostly a file system, of their own.
 */
export const listPrograms = async (): Promise<readonly RunningProgram[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const own = await pidNamespace('self');
  const programs = await Promise.all(
    pids.map(async (pid) => {
      if (((await pidNamespace(pid)) ?? own) !== own) return { pid, argv: [] };
      const line = await readOrUndefined(`/proc/${pid}/cmdline`);
      const argv = (line ?? '').split('\0').filter((word) => word !== '');
      return { pid, argv };
    }),
  );
  return programs.filter(({ argv }) => argv.length > 0);
};
