import { readFile } from 'node:fs/promises';
import { run } from './command.ts';

/** mountinfo writes space, tab, newline and backslash as octal escapes (proc_pid_mountinfo(5)). */
const unescape = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_match, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/**
 * Mount points below any of `roots`, deepest first: the order in which they can be unmounted. A root that is itself a
 * file system of its own belongs to the machine.
 */
export const mountsBelow = (mountinfo: string, roots: readonly string[]): readonly string[] =>
  mountinfo
    .split('\n')
    .flatMap((line) => {
      const path = line.split(' ')[4];
      return path === undefined ? [] : [unescape(path)];
    })
    .filter((path) => roots.some((root) => path.startsWith(`${root}/`)))
    // Of two mounts at one place the later one lies on top.
    .toReversed()
    .sort((a, b) => b.length - a.length);

export const listMountsBelow = async (roots: readonly string[]): Promise<readonly string[]> =>
  mountsBelow(await readFile('/proc/self/mountinfo', 'utf8'), roots);

/** Unmounts all of them; what is busy is detached and ends when its last user does. */
export const unmountBelow = async (roots: readonly string[], log: string): Promise<void> => {
  for (const path of await listMountsBelow(roots)) {
    try {
      await run(['umount', path], { log });
    } catch {
      await run(['umount', '--lazy', path], { log }).catch(() => {});
    }
  }
};
