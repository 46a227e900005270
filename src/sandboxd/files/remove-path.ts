import { lstat, rmdir, unlink } from 'node:fs/promises';
import { DaemonError } from '../protocol/problem.ts';
import { type BytePath, joinPath, toFs } from './byte-path.ts';
import { about, errnoOf, isMissing } from './fs-error.ts';
import { readNames } from './read-names.ts';

/** Others may write into a directory while it is emptied; whoever does so for ever wins. */
const MAX_PASSES = 100;

/**
 * Removes what is there: a symlink and not what it leads to; a directory that is not empty only with `recursive`. Ends
 * early, with a part removed, when `signal` aborts. Reads directories piece by piece: a million names are not held.
 */
export const removePath = (
  path: BytePath,
  { recursive, signal }: { readonly recursive: boolean; readonly signal: AbortSignal },
): Promise<void> =>
  about(path, async () => {
    if (path === '/') throw new DaemonError('invalid_argument', 'the root of the file system cannot be removed');
    const stats = await lstat(toFs(path));
    if (!stats.isDirectory()) return unlink(toFs(path));
    return recursive ? removeTree(path, signal) : rmdir(toFs(path));
  });

const removeTree = async (directory: BytePath, signal: AbortSignal): Promise<void> => {
  for (let pass = 1; ; pass++) {
    signal.throwIfAborted();
    await about(directory, () => empty(directory, signal));
    try {
      await rmdir(toFs(directory));
      return;
    } catch (error) {
      if (isMissing(error)) return;
      if (errnoOf(error) !== 'ENOTEMPTY' || pass === MAX_PASSES) throw error;
    }
  }
};

const empty = async (directory: BytePath, signal: AbortSignal): Promise<void> => {
  for await (const name of readNames(directory)) {
    signal.throwIfAborted();
    const path = joinPath(directory, name);
    await about(path, async () => {
      try {
        await unlink(toFs(path));
      } catch (error) {
        if (isMissing(error)) return;
        // Linux says EISDIR of a directory; POSIX, and so some file systems, EPERM.
        if (errnoOf(error) !== 'EISDIR' && !(await isDirectory(path))) throw error;
        await removeTree(path, signal);
      }
    });
  }
};

const isDirectory = async (path: BytePath): Promise<boolean> => (await lstat(toFs(path))).isDirectory();
