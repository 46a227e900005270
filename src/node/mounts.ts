import { execFile } from 'node:child_process';
import { mkdir, readFile, rmdir, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { makeTurns } from './turns.ts';
import { findMount, parseMountInfo, type MountEntry } from './mount-table.ts';

/** Bind mounts, and folders for others to mount in. Each call may be repeated: it looks first and does what is missing. */
export interface Mounts {
  /** Makes `source` seen at `target`, which is created; its parent must exist. */
  readonly bind: (source: string, target: string) => Promise<void>;
  /**
   * Makes an empty folder of root's at `target`: memory, so that it shares nothing with any other mount. A bind mount would
   * be a peer of its source wherever that is shared, and what is mounted below it would appear at the source as well.
   */
  readonly mountEmpty: (target: string) => Promise<void>;
  /** Takes whatever is mounted at `target` away, and the empty folder too. */
  readonly unbind: (target: string) => Promise<void>;
  readonly isMounted: (target: string) => Promise<boolean>;
  /**
   * Mounts `folder` onto itself with nosuid and nodev. What is bound from below it later has these flags from its first
   * moment, also where the mount is propagated to: a remount of the target would change only this namespace's copy.
   */
  readonly harden: (folder: string) => Promise<void>;
}

const run = promisify(execFile);
/** A mount command that has not come back by then hangs on something (a dead server): the caller tries again. */
const COMMAND_TIMEOUT_MS = 30_000;
/** Mounts stacked on one target by a fault: more than this is not ours. */
const MOST_LAYERS = 8;

export const makeMounts = (): Mounts => {
  // kubelet's repeated call may meet the one that it gave up on.
  const inTurn = makeTurns();
  return {
    bind: (source, target) => inTurn(target, () => bind(source, target)),
    mountEmpty: (target) => inTurn(target, () => mountEmpty(target)),
    unbind: (target) => inTurn(target, () => unbind(target)),
    isMounted: async (target) => (await findEntry(target)) !== undefined,
    harden: (folder) => inTurn(folder, () => harden(folder)),
  };
};

const bind = async (source: string, target: string): Promise<void> => {
  await mkdir(target, { recursive: false, mode: 0o750 }).catch(ignore('EEXIST'));
  if ((await findEntry(target)) !== undefined) {
    if (await isSameFolder(source, target)) return;
    await unmountAll(target);
  }
  await command('mount', ['--bind', '--', source, target]);
};

const mountEmpty = async (target: string): Promise<void> => {
  await mkdir(target, { recursive: false, mode: 0o750 }).catch(ignore('EEXIST'));
  if ((await findEntry(target)) !== undefined) return;
  await command('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0755,nosuid,nodev,noexec', '--', 'matrx-volume', target]);
};

const unbind = async (target: string): Promise<void> => {
  await unmountAll(target);
  // ENOTEMPTY is an error on purpose: files below an unmounted target are somebody's, and nothing here may drop them.
  await rmdir(target).catch(ignore('ENOENT'));
};

const unmountAll = async (target: string): Promise<void> => {
  for (let layer = 0; layer < MOST_LAYERS; layer += 1) {
    if ((await findEntry(target)) === undefined) return;
    try {
      // No canonical path: resolving one would ask the mounted file system, which may be dead.
      await command('umount', ['--no-canonicalize', '--', target]);
    } catch {
      // Busy: some process of the node looks into it. The sandbox's own are dead, so nothing is written any more.
      await command('umount', ['--no-canonicalize', '--lazy', '--', target]);
    }
  }
  if ((await findEntry(target)) !== undefined) throw new Error(`${target} has too many mounts on top of each other`);
};

const harden = async (folder: string): Promise<void> => {
  const entry = await findEntry(folder);
  if (entry?.options.includes('nosuid') === true && entry.options.includes('nodev')) return;
  if (entry === undefined) await command('mount', ['--bind', '--', folder, folder]);
  await command('mount', ['--options', 'remount,bind,nosuid,nodev', '--', folder]);
};

const findEntry = async (mountPoint: string): Promise<MountEntry | undefined> =>
  findMount(parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8')), mountPoint);

const isSameFolder = async (a: string, b: string): Promise<boolean> => {
  const [left, right] = [await stat(a, { bigint: true }), await stat(b, { bigint: true })];
  return left.dev === right.dev && left.ino === right.ino;
};

const command = async (program: string, args: readonly string[]): Promise<void> => {
  try {
    await run(program, args, { timeout: COMMAND_TIMEOUT_MS });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(`${program} ${args.join(' ')}: ${stderr?.trim() || String(error)}`, { cause: error });
  }
};

const ignore =
  (code: string) =>
  (error: NodeJS.ErrnoException): void => {
    if (error.code !== code) throw error;
  };
