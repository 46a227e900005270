import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the kernel counts for the container. */
export interface CgroupUsage {
  readonly cpuSeconds: number;
  readonly cpuLimit: number | null;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number | null;
}

/** Where the kernel shows things: /sys/fs/cgroup and /proc. */
export interface KernelPaths {
  readonly cgroup: string;
  readonly proc: string;
}

/** Undefined where there is no cgroup that counts both. Version 2, then 1. */
export const readCgroup = async (paths: KernelPaths): Promise<CgroupUsage | undefined> =>
  (await readVersion2(paths)) ?? (await readVersion1(paths));

const readVersion2 = async ({ cgroup, proc }: KernelPaths): Promise<CgroupUsage | undefined> => {
  const directory = await findDirectory(proc, '', cgroup, 'memory.current');
  if (directory === undefined) return undefined;
  const [cpu, cpuMax, memory, memoryMax, memoryStat] = await readAll(directory, [
    'cpu.stat',
    'cpu.max',
    'memory.current',
    'memory.max',
    'memory.stat',
  ]);
  const usage = field(cpu, 'usage_usec');
  if (usage === undefined || memory === undefined) return undefined;
  const [quota, period] = (cpuMax ?? '').trim().split(' ').map(Number);
  return {
    cpuSeconds: usage / 1e6,
    cpuLimit: ratio(quota, period),
    memoryBytes: inUse(Number(memory), field(memoryStat, 'inactive_file')),
    memoryLimitBytes: limit(memoryMax),
  };
};

const readVersion1 = async ({ cgroup, proc }: KernelPaths): Promise<CgroupUsage | undefined> => {
  const memoryDirectory = await findDirectory(proc, 'memory', join(cgroup, 'memory'), 'memory.usage_in_bytes');
  const cpuDirectory =
    (await findDirectory(proc, 'cpuacct', join(cgroup, 'cpuacct'), 'cpuacct.usage')) ??
    (await findDirectory(proc, 'cpuacct', join(cgroup, 'cpu,cpuacct'), 'cpuacct.usage'));
  if (memoryDirectory === undefined || cpuDirectory === undefined) return undefined;
  const [usage, quota, period] = await readAll(cpuDirectory, [
    'cpuacct.usage',
    'cpu.cfs_quota_us',
    'cpu.cfs_period_us',
  ]);
  const [memory, memoryMax, memoryStat] = await readAll(memoryDirectory, [
    'memory.usage_in_bytes',
    'memory.limit_in_bytes',
    'memory.stat',
  ]);
  return {
    cpuSeconds: Number(usage) / 1e9,
    cpuLimit: ratio(Number(quota), Number(period)),
    memoryBytes: inUse(Number(memory), field(memoryStat, 'total_inactive_file')),
    memoryLimitBytes: limit(memoryMax),
  };
};

/**
 * The directory of this process's own cgroup below `base`: `base` itself where the container sees only its own (a cgroup
 * namespace, the rule), otherwise the path of /proc/self/cgroup. `controller` is '' for version 2.
 */
const findDirectory = async (
  proc: string,
  controller: string,
  base: string,
  file: string,
): Promise<string | undefined> => {
  const lines = ((await read(join(proc, 'self/cgroup'))) ?? '').split('\n').map((line) => line.split(':'));
  const path = lines.find(([, controllers = '']) => controllers.split(',').includes(controller))?.[2] ?? '/';
  for (const directory of [join(base, path), base]) {
    if ((await read(join(directory, file))) !== undefined) return directory;
  }
  return undefined;
};

const readAll = (directory: string, files: readonly string[]): Promise<readonly (string | undefined)[]> =>
  Promise.all(files.map((file) => read(join(directory, file))));

const read = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
};

const field = (text: string | undefined, name: string): number | undefined => {
  const value = text
    ?.split('\n')
    .find((line) => line.startsWith(`${name} `))
    ?.slice(name.length + 1);
  return value === undefined ? undefined : Number(value);
};

/** Without the page cache that the kernel takes back when it is short of memory, as kubelet counts it. */
const inUse = (bytes: number, inactiveFile = 0): number => Math.max(0, bytes - inactiveFile);

/** Version 1 has no word for "no limit" but a number that is larger than any memory. */
const NO_LIMIT = 2 ** 60;

const limit = (text: string | undefined): number | null => {
  const bytes = Number(text ?? 'max');
  return Number.isFinite(bytes) && bytes > 0 && bytes < NO_LIMIT ? bytes : null;
};

const ratio = (quota: number | undefined, period: number | undefined): number | null => {
  const cores = Number(quota) / Number(period);
  return Number.isFinite(cores) && cores > 0 ? cores : null;
};
