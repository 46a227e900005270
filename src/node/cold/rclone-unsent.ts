import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

const Item = z.object({ Dirty: z.boolean() });

/**
 * Counts the files of a cache that rclone has marked as not uploaded. It does so on disk, with the first byte that is
 * written, and takes the mark away after the upload: what a process that was killed had not sent is told by this alone. A
 * mark that cannot be read counts as unsent.
 */
export const countUnsent = async (cache: string): Promise<number> => {
  const marks = path.join(cache, 'vfsMeta');
  const entries = await readdir(marks, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  let unsent = 0;
  for (const entry of entries) {
    if (entry.isFile() && (await isUnsent(path.join(entry.parentPath, entry.name)))) unsent += 1;
  }
  return unsent;
};

const isUnsent = async (mark: string): Promise<boolean> => {
  try {
    return Item.parse(JSON.parse(await readFile(mark, 'utf8'))).Dirty;
  } catch {
    return true;
  }
};
