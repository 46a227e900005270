import { access, mkdir, readFile } from 'node:fs/promises';
import type { Mounts } from '../mounts.ts';

/** Leaves an empty folder that only root can write to, so that nothing is written beside the mount. */
export const clearTarget = async (mounts: Pick<Mounts, 'unbind'>, target: string): Promise<void> => {
  await mounts.unbind(target);
  await mkdir(target, { recursive: true, mode: 0o755 });
};

/** Throws, with what to do, where the node cannot mount any of this. */
export const requireFuse = async (): Promise<void> => {
  await access('/dev/fuse').catch((error: unknown) => {
    throw new Error('this node has no /dev/fuse: load its kernel module `fuse`', { cause: error });
  });
};

/** `: ` and the last line that a program has written to its log; nothing where there is none. */
export const lastWords = async (log: string): Promise<string> => {
  const text = await readFile(log, 'utf8').catch(() => '');
  const line = text.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${line.slice(0, 500)}`;
};
