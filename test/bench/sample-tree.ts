import { randomFillSync } from 'node:crypto';
import { chown, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT_ID } from '../../src/api/names.ts';

/** Random content: nothing that a packer or a file system could make smaller. */
export const writeSmallFiles = async (
  folder: string,
  { folders, filesEach, bytes }: { readonly folders: number; readonly filesEach: number; readonly bytes: number },
): Promise<void> => {
  const content = Buffer.alloc(filesEach * bytes);
  for (let index = 0; index < folders; index += 1) {
    const inner = join(folder, `folder-${index}`);
    await mkdir(inner, { recursive: true });
    randomFillSync(content);
    await Promise.all(
      Array.from({ length: filesEach }, async (_, file) => {
        const path = join(inner, `file-${file}`);
        await writeFile(path, content.subarray(file * bytes, (file + 1) * bytes));
        await chown(path, AGENT_ID, AGENT_ID);
      }),
    );
    await chown(inner, AGENT_ID, AGENT_ID);
  }
};

const CHUNK = 8 * 1024 * 1024;

export const writeBigFile = async (path: string, bytes: number): Promise<void> => {
  const file = await open(path, 'w');
  try {
    const chunk = Buffer.alloc(CHUNK);
    for (let written = 0; written < bytes; written += CHUNK) {
      await file.write(randomFillSync(chunk), 0, Math.min(CHUNK, bytes - written));
    }
    await file.chown(AGENT_ID, AGENT_ID);
  } finally {
    await file.close();
  }
};
