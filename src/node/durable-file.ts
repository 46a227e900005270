import { open, rename } from 'node:fs/promises';
import path from 'node:path';

/** Resolves once it is on disk: after a power cut either the old content or the new one is read. `draft` lies beside it. */
export const writeDurably = async (file: string, draft: string, text: string): Promise<void> => {
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  await syncFolder(path.dirname(file));
};

export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
