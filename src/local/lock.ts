import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { identifyProcess, isRunning, type ProcessIdentity } from '../base/process-identity.ts';

/**
 * Runs `act` while no other `up` or `down` works on the same state folder. Throws, naming the other's pid, when one
 * does. The lock of a process that has ended counts for nothing.
 */
export const withLock = async <T>(state: string, act: () => Promise<T>): Promise<T> => {
  const path = join(state, 'lock');
  await mkdir(state, { recursive: true, mode: 0o700 });
  await acquire(path);
  try {
    return await act();
  } finally {
    await rm(path, { force: true });
  }
};

const acquire = async (path: string): Promise<void> => {
  const self = await identifyProcess(process.pid);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      const file = await open(path, 'wx', 0o600);
      await file.writeFile(JSON.stringify(self));
      await file.close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = parse(await readFile(path, 'utf8').catch(() => ''));
    if (holder !== undefined && (await isRunning(holder))) {
      throw new Error(`another \`up\` or \`down\` is at work here (pid ${holder.pid}): wait for it, or stop it`);
    }
    await rm(path, { force: true });
  }
  throw new Error(`${path} cannot be taken: another \`up\` or \`down\` has just started`);
};

const parse = (text: string): ProcessIdentity | undefined => {
  try {
    return JSON.parse(text) as ProcessIdentity;
  } catch {
    return undefined;
  }
};
