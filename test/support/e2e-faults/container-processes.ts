import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One process of a container, as the machine sees it. */
export interface ContainerProcess {
  readonly pid: number;
  /** Process 1 of the container's own PID namespace: the whole container ends with it. */
  readonly main: boolean;
}

/**
 * The processes of a container on this machine. `containerId` as in a pod's status: `containerd://<64 hex digits>`.
 * They are found by their control group, which the runtime names after the container, so a process is never taken for
 * another of the same name. Throws where there is none: the node is another machine, or the container has ended.
 */
export const containerProcesses = async (
  containerId: string,
  proc = '/proc',
): Promise<readonly [ContainerProcess, ...ContainerProcess[]]> => {
  const id = containerId.replace(/^[a-z0-9-]+:\/\//, '');
  // A short string would match the control group of something else.
  if (!/^[0-9a-f]{32,}$/.test(id)) throw new Error(`container id ${JSON.stringify(containerId)} is not one`);
  const pids = (await readdir(proc)).filter((name) => /^[0-9]+$/.test(name));
  const found: ContainerProcess[] = [];
  for (const pid of pids) {
    const process = await readProcess(join(proc, pid), Number(pid), id);
    if (process !== undefined) found.push(process);
  }
  const [first, ...rest] = found.sort((a, b) => Number(b.main) - Number(a.main) || a.pid - b.pid);
  if (first === undefined) {
    throw new Error(
      `no process of container ${id} in ${proc}: these tests signal containers on the machine they run on, ` +
        'because no API of Kubernetes can send SIGKILL to process 1 of a container',
    );
  }
  return [first, ...rest];
};

const readProcess = async (folder: string, pid: number, id: string): Promise<ContainerProcess | undefined> => {
  try {
    if (!(await readFile(join(folder, 'cgroup'), 'utf8')).includes(id)) return undefined;
    return { pid, main: isFirstOfNamespace(await readFile(join(folder, 'status'), 'utf8')) };
  } catch (error) {
    // It ended while /proc was read.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
};

/** `NSpid:  4242  1`: its number in each PID namespace, the innermost last. */
const isFirstOfNamespace = (status: string): boolean => /^NSpid:.*\s1$/m.test(status);
