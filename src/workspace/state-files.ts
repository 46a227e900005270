import { closeSync, fstatSync, futimesSync, openSync, readFileSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, isGone } from './root.ts';

/** Creates the state directory; only root may look in: manifests name every file. */
export const makeStateFolder = (folder: string): Promise<unknown> => mkdir(folder, { recursive: true, mode: 0o700 });

/** After it has resolved, the file is there whole, even after a power failure; before, the old one is. */
export const writeStateFile = async (folder: string, name: string, content: string | Uint8Array): Promise<void> => {
  const temporary = join(folder, `${name}.new`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, name));
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};

export const readStateFile = (folder: string, name: string): Buffer | undefined => {
  try {
    return readFileSync(join(folder, name));
  } catch (thrown) {
    if (isGone(thrown)) return undefined;
    throw thrown;
  }
};

/**
 * The time of the file system that `folder` is on, in nanoseconds: the ctime of a file touched now. Comparing ctimes
 * with it needs no clock of ours to agree with the kernel's.
 */
export const fileSystemNow = (folder: string): bigint => {
  const fd = openSync(join(folder, 'now'), 'a', 0o600);
  try {
    futimesSync(fd, 0, 0);
    return fstatSync(fd, { bigint: true }).ctimeNs;
  } finally {
    closeSync(fd);
  }
};

/** Changes with every boot of the machine. */
export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

export const isDiskFull = (thrown: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errorCode(thrown));
