import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import { formatPublicKey } from '../../../src/sandboxd/protocol/access-token.ts';
import { DAEMON_PUBLIC_KEY, POD_UID } from './daemon.ts';

/** The daemon as a program of its own, whose memory can be measured and which can be killed. */
export interface DaemonProgram {
  readonly port: number;
  readonly home: string;
  readonly child: ChildProcess;
  /** Of its memory, in bytes: `VmRSS` now, `VmHWM` at most. */
  readonly memory: (field: 'VmRSS' | 'VmHWM') => number;
}

const running: Omit<DaemonProgram, 'port' | 'memory'>[] = [];

afterEach(async () => {
  for (const { child, home } of running.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(home, { recursive: true, force: true });
  }
});

/** `main` is a program to run in its place, such as the bundle. */
export const startDaemonProgram = async (
  main: readonly string[] = ['src/sandboxd/main.ts'],
): Promise<DaemonProgram> => {
  const home = mkdtempSync(join(tmpdir(), 'matrx-sandboxd-'));
  const child = spawn(process.execPath, main, {
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: home,
      LANG: 'C.UTF-8',
      MATRX_SANDBOXD_PORT: '0',
      MATRX_SANDBOXD_KEYS: formatPublicKey(DAEMON_PUBLIC_KEY),
      MATRX_POD_UID: POD_UID,
    },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  running.push({ child, home });
  let said = '';
  for await (const chunk of child.stderr as AsyncIterable<Buffer>) {
    said += chunk.toString('utf8');
    const port = /listening on .*:(\d+)\n/.exec(said)?.[1];
    if (port === undefined) continue;
    child.stderr?.resume();
    const memory: DaemonProgram['memory'] = (field) => {
      const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8');
      return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
    };
    return { port: Number(port), home, child, memory };
  }
  throw new Error(`sandboxd ended: ${said}`);
};
