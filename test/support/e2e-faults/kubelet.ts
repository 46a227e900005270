import { basename, join } from 'node:path';
import { listPrograms } from '../../../src/base/process-identity.ts';
import { succeed } from '../e2e/command.ts';
import { requireEnvironment } from '../e2e/environment.ts';

const ROOT = join(import.meta.dirname, '../../..');
const UP_MS = 240_000;

/** SIGKILL to the one kubelet of this machine, whatever program it is a part of. Throws where there is none. */
export const killKubelet = async (): Promise<void> => {
  for (const { pid, argv } of await listPrograms()) {
    const [program = '', first = ''] = argv;
    if (basename(program) === 'kubelet' || (basename(program) === 'kube' && first === 'kubelet')) {
      process.kill(pid, 'SIGKILL');
      return;
    }
  }
  throw new Error('no kubelet of `make up` runs on this machine: this test stops and starts it');
};

/** `make up` once more: it starts what does not run. */
export const startWhatIsDown = async (signal: AbortSignal): Promise<void> => {
  const ofTests = new Set(Object.keys(requireEnvironment()));
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofTests.has(name)));
  await succeed(process.execPath, ['src/main.ts', 'up'], { cwd: ROOT, env, deadlineMs: UP_MS, signal });
};
