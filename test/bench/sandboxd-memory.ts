import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { makeDaemonConnections } from '../../src/facade/daemon/connections.ts';
import { type DaemonProcesses, makeDaemonProcesses } from '../../src/facade/daemon/processes.ts';
import { formatPublicKey } from '../../src/sandboxd/protocol/access-token.ts';
import type { Bench, BenchContext } from './context.ts';
import { type Measurement, megabytes } from './measurement.ts';

const BUNDLE = join(import.meta.dirname, '../../dist-sandboxd/main.js');
const START = join(import.meta.dirname, '../../sandbox-image/bin/start');
const GOAL = 'under 60 MB resident';
const COMMANDS = 100;
const TARGET = { podIP: '127.0.0.1', podUid: 'bench' };

/**
 * Memory of the bundled daemon. Of what is resident, the pages of the `node` binary are shared by every sandbox on a
 * node: private is what each sandbox costs, and pss counts shared pages by the share.
 */
export const sandboxdMemory: Bench = {
  name: 'memory-sandboxd',
  about: `of the daemon in a sandbox: idle, after ${COMMANDS} commands, after 300 MB of output`,
  seconds: 300,
  run: async (context) => {
    if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} is not there: make build`);
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const child = spawn(process.execPath, [...(await flagsOfImage()), BUNDLE], {
      env: {
        PATH: process.env['PATH'],
        HOME: context.scratch,
        MATRX_SANDBOXD_PORT: '0',
        MATRX_SANDBOXD_KEYS: formatPublicKey(publicKey),
        MATRX_POD_UID: TARGET.podUid,
      },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    const [said] = (await once(child.stderr, 'data')) as [Buffer];
    const connections = makeDaemonConnections({
      privateKey,
      clock: systemClock,
      port: Number(/:(\d+)\n/.exec(said.toString('utf8'))?.[1]),
    });
    try {
      return await measureAll(context, child.pid ?? 0, makeDaemonProcesses(connections));
    } finally {
      connections.close();
      child.kill();
      await once(child, 'exit');
    }
  },
};

/** Those that the daemon is started with in the image. */
const flagsOfImage = async (): Promise<readonly string[]> => {
  const line = /exec \/usr\/local\/bin\/node (.*) "\$daemon"/.exec(await readFile(START, 'utf8'));
  if (line?.[1] === undefined) throw new Error(`${START} starts no daemon`);
  return line[1].split(' ');
};

const measureAll = async (
  { signal, say }: BenchContext,
  pid: number,
  processes: DaemonProcesses,
): Promise<readonly Measurement[]> => {
  const run = async (shell: string): Promise<void> => {
    const frames = await processes.run(TARGET, { shell, keep: 'attached' }, signal);
    for await (const frame of frames) if (frame.type === 'end') return;
  };
  const idle = await measure(pid, 'idle');
  for (let n = 0; n < COMMANDS; n++) await run('true');
  say(`   ${COMMANDS} commands have run`);
  const used = await measure(pid, 'used');
  await run('head -c 300000000 /dev/zero');
  return [...idle, ...used, ...(await measure(pid, 'streamed'))];
};

const measure = async (pid: number, when: string): Promise<readonly Measurement[]> => {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = (text: string, field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
  const line = (name: string, value: number, more: Partial<Measurement> = {}): Measurement => ({
    case: `memory-sandboxd-${when}${name}`,
    unit: 'MB',
    value: megabytes(value),
    n: 1,
    ...more,
  });
  return [
    line('', bytes(rollup, 'Rss'), { peak: megabytes(bytes(status, 'VmHWM')), goal: GOAL }),
    line('-private', bytes(rollup, 'Private_Clean') + bytes(rollup, 'Private_Dirty')),
    line('-pss', bytes(rollup, 'Pss')),
  ];
};
