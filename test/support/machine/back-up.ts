import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../e2e/eventually.ts';
import { type Machine, stateOf } from './machine.ts';

const SOON_MS = 10_000;

/** What a backup of the host has: the datastore as one moment left it, and the keys that its records need. */
export const backUp = async (machine: Machine, folder: string): Promise<void> => {
  const state = stateOf(machine.folder);
  await mkdir(join(folder, 'cluster'), { recursive: true });
  const { pid } = JSON.parse(await readFile(join(state, 'processes/etcd.json'), 'utf8')) as { pid: number };
  const run = (...argv: [string, ...string[]]) => machine.run(argv, { deadlineMs: SOON_MS });
  await run('kill', '-STOP', String(pid));
  try {
    // The signal is there when kill returns, but a thread goes on until a processor has looked at it.
    await eventually(
      'every thread of etcd has stopped',
      async () => {
        const { stdout } = await run('sh', '-c', `grep -h ^State: /proc/${pid}/task/*/status`);
        return !/^State:\s+[^T]/m.test(stdout.toString());
      },
      { deadlineMs: SOON_MS, everyMs: 10 },
    );
    await cp(join(state, 'cluster/etcd'), join(folder, 'cluster/etcd'), { recursive: true });
  } finally {
    await run('kill', '-CONT', String(pid));
  }
  for (const kept of ['certificates', 'api-key', 'facade-key']) {
    await cp(join(state, kept), join(folder, kept), { recursive: true });
  }
};
