import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerProcesses } from './container-processes.ts';

const MINE = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
let proc: string;

beforeEach(async () => {
  proc = await mkdtemp(join(tmpdir(), 'proc-'));
});
afterEach(async () => {
  await rm(proc, { recursive: true });
});

const process = async (pid: number, cgroup: string, nsPids: string): Promise<void> => {
  await mkdir(join(proc, String(pid)));
  await writeFile(join(proc, String(pid), 'cgroup'), `${cgroup}\n`);
  await writeFile(join(proc, String(pid), 'status'), `Name:\tnode\nNSpid:\t${nsPids}\nVmRSS:\t1 kB\n`);
};

test("finds a container's processes by cgroup v2 path, its process 1 first", async () => {
  await process(50, `0::/kubepods.slice/pod1.slice/cri-containerd-${MINE}.scope`, '50\t17');
  await process(60, `0::/kubepods.slice/pod1.slice/cri-containerd-${MINE}.scope`, '60\t1');
  await process(70, `0::/kubepods.slice/pod1.slice/cri-containerd-${OTHER}.scope`, '70\t1');
  expect(await containerProcesses(`containerd://${MINE}`, proc)).toEqual([
    { pid: 60, main: true },
    { pid: 50, main: false },
  ]);
});

test('finds them by cgroup v1 lines', async () => {
  await process(60, `9:memory:/kubepods/burstable/pod1/${MINE}\n8:cpu:/kubepods/burstable/pod1/${MINE}`, '60\t1');
  expect(await containerProcesses(`containerd://${MINE}`, proc)).toEqual([{ pid: 60, main: true }]);
});

test('a container elsewhere is an error that says why', async () => {
  await process(70, `0::/kubepods.slice/${OTHER}`, '70\t1');
  await expect(containerProcesses(`containerd://${MINE}`, proc)).rejects.toThrow(/on the machine they run on/);
});

test('an id that could match anything is refused', async () => {
  await expect(containerProcesses('containerd://', proc)).rejects.toThrow(/is not one/);
});
