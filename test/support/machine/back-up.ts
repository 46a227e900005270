import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Machine, stateOf } from './machine.ts';

/** What a backup of the host has: the datastore as one moment left it, and the keys that its records need. */
export const backUp = async (machine: Machine, folder: string): Promise<void> => {
  const state = stateOf(machine.folder);
  await mkdir(join(folder, 'cluster'), { recursive: true });
  const { pid } = JSON.parse(await readFile(join(state, 'processes/etcd.json'), 'utf8')) as { pid: number };
  const signalEtcd = (signal: string): Promise<unknown> =>
    machine.run(['kill', `-${signal}`, String(pid)], { deadlineMs: 10_000 });
  await signalEtcd('STOP');
  try {
    await cp(join(state, 'cluster/etcd'), join(folder, 'cluster/etcd'), { recursive: true });
  } finally {
    await signalEtcd('CONT');
  }
  for (const kept of ['certificates', 'api-key', 'facade-key']) {
    await cp(join(state, kept), join(folder, kept), { recursive: true });
  }
};
