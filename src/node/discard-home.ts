import { execFile } from 'node:child_process';
import { mkdir, rename, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Random } from '../base/random.ts';
import type { Log } from '../telemetry/log.ts';
import { trashDir, type HomePaths } from './home-paths.ts';

const run = promisify(execFile);

export interface Trash {
  /**
   * Takes a home away whose files are all in the bucket. The rename is one step: a driver killed at any moment finds
   * either a whole home with its journal or something in the trash.
   */
  readonly discard: (paths: HomePaths) => Promise<void>;
  /** Deletes what is in the trash; at start, what a killed driver left. */
  readonly empty: () => Promise<void>;
}

export const makeTrash = (deps: { readonly stateDir: string; readonly random: Random; readonly log: Log }): Trash => {
  const trash = trashDir(deps.stateDir);
  const empty = async (): Promise<void> => {
    // rm(1), in a process of its own: names that are not UTF-8 do not pass through Node's strings, a million files do
    // not hold up the event loop, links are not followed, and it stops at any mount.
    await remove(trash);
  };
  const remove = async (folder: string): Promise<void> => {
    try {
      await run('rm', ['-rf', '--one-file-system', '--', folder]);
    } catch (error) {
      deps.log.warn({ folder, err: error }, 'cannot delete a discarded home; the next start tries again');
    }
  };
  const discard = async (paths: HomePaths): Promise<void> => {
    await mkdir(trash, { recursive: true, mode: 0o700 });
    const grave = path.join(trash, deps.random.hex(8));
    await rename(paths.root, grave);
    await rmdir(path.dirname(paths.root)).catch(() => undefined);
    await remove(grave);
  };
  return { discard, empty };
};
