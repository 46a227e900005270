import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs at most one flush of a file system at a time. Who asks while one runs shares the next: the running one may have
 * passed by what they wrote.
 */
export const makeFlush = (
  deviceOf: (folder: string) => string,
  flushNow: (folder: string) => Promise<void>,
): ((folder: string) => Promise<void>) => {
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, Promise<void>>();

  const start = (device: string, folder: string): Promise<void> => {
    const flushing = flushNow(folder).finally(() => {
      if (running.get(device) === flushing) running.delete(device);
    });
    running.set(device, flushing);
    return flushing;
  };

  return (folder) => {
    const device = deviceOf(folder);
    const now = running.get(device);
    if (now === undefined) return start(device, folder);
    const shared =
      waiting.get(device) ??
      now
        .catch(() => undefined)
        .then(() => {
          waiting.delete(device);
          return start(device, folder);
        });
    waiting.set(device, shared);
    return shared;
  };
};

/** syncfs(2) by coreutils' `sync -f`: one call for a whole tree, where fsync would be one for each of its files. */
export const flushFileSystem = makeFlush(
  (folder) => String(statSync(folder).dev),
  async (folder) => {
    await run('sync', ['--file-system', folder]);
  },
);
