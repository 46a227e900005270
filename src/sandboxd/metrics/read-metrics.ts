import { statfs } from 'node:fs/promises';
import type { DaemonMetrics } from '../protocol/metrics.ts';
import { type KernelPaths, readCgroup } from './cgroup.ts';
import { countProcesses, readProcessTable } from './own-processes.ts';

const KERNEL: KernelPaths = { cgroup: '/sys/fs/cgroup', proc: '/proc' };

/** What the sandbox uses: ../protocol/metrics.ts. */
export const readMetrics = async (home: string, paths: KernelPaths = KERNEL): Promise<DaemonMetrics> => {
  const { bsize, blocks, bfree } = await statfs(home);
  const disk = { diskUsedBytes: (blocks - bfree) * bsize, diskTotalBytes: blocks * bsize };
  const at = new Date().toISOString();
  const cgroup = await readCgroup(paths);
  if (cgroup !== undefined) return { at, ...cgroup, ...disk, processes: await countProcesses(paths.proc) };
  const { processes, cpuSeconds, memoryBytes } = await readProcessTable(paths.proc);
  return { at, cpuSeconds, cpuLimit: null, memoryBytes, memoryLimitBytes: null, ...disk, processes };
};
