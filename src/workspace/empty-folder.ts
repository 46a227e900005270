import { execFile } from 'node:child_process';
import { chown, mkdir, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Creates the home where there is none; as root it becomes the agent's. */
export const makeHomeFolder = async (folder: string, ownerId: number): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o750 });
  if (process.geteuid?.() === 0) await chown(folder, ownerId, ownerId);
};

export const isEmptyFolder = async (folder: string): Promise<boolean> => (await readdir(folder)).length === 0;

/** Deletes what is in a folder, whatever its names and however deep, and nothing on another file system. */
export const emptyFolder = async (folder: string): Promise<void> => {
  await run('find', [folder, '-xdev', '-mindepth', '1', '-delete']);
};
