import { chmod, mkdir, stat } from 'node:fs/promises';
import type { FileInfo } from '../protocol/files.ts';
import { type BytePath, toFs } from './byte-path.ts';
import { readFileInfo } from './file-info.ts';
import { about, errnoOf } from './fs-error.ts';

/**
 * Makes a directory. With `parents` also those above it, and then one that is there already is no error. `mode` is
 * given to what was made, whatever the umask; `created` says whether it was this call that made it.
 */
export const makeDirectory = (
  path: BytePath,
  { parents, mode }: { readonly parents: boolean; readonly mode?: number },
): Promise<{ readonly info: FileInfo; readonly created: boolean }> =>
  about(path, async () => {
    const created = parents ? await makeAll(path) : await makeOne(path);
    if (created && mode !== undefined) await chmod(toFs(path), mode);
    return { info: await readFileInfo(path, { follow: true }), created };
  });

const makeOne = async (path: BytePath): Promise<true> => {
  await mkdir(toFs(path));
  return true;
};

const makeAll = async (path: BytePath): Promise<boolean> => {
  try {
    return (await mkdir(toFs(path), { recursive: true })) !== undefined;
  } catch (error) {
    // Where a file is in the way, Node says EEXIST of the path itself and ENOTDIR of one above.
    if (errnoOf(error) !== 'EEXIST') throw error;
    if ((await stat(toFs(path))).isDirectory()) return false;
    throw error;
  }
};
