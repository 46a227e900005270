import { type BigIntStats, constants } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readlink,
  realpath,
  rename,
  statfs,
  unlink,
} from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { DaemonError } from '../protocol/problem.ts';
import type { FileInfo } from '../protocol/files.ts';
import { type BytePath, fromFs, joinPath, nameOf, parentOf, resolvePath, toFs, toText } from './byte-path.ts';
import { entityTag, readFileInfo } from './file-info.ts';
import { about, errnoOf, isMissing } from './fs-error.ts';
import type { KeyLock } from './key-lock.ts';
import { judgeWrite } from './preconditions.ts';
import { changed } from './read-file.ts';
import { temporaryName } from './temporary-name.ts';

export interface ReplaceOptions {
  /** What the file will hold. What it throws leaves the old file. */
  readonly content: AsyncIterable<Buffer>;
  /** How long that is, where it is known. */
  readonly size?: number;
  /** Permission bits; otherwise those of the replaced file, or what the umask leaves of 0666. */
  readonly mode?: number;
  /** Makes the directories that are missing. */
  readonly parents?: boolean;
  /** If-Match and If-None-Match. */
  readonly conditions?: IncomingHttpHeaders;
}

export interface Replaced {
  readonly info: FileInfo;
  readonly created: boolean;
}

interface Target {
  readonly path: BytePath;
  readonly stats: BigIntStats | undefined;
}

/**
 * Replaces a file by a stream's content, at once: the content is written beside it, brought to the disk, and renamed.
 * The conditions are judged before, to save the upload, and again at the rename, which for files of the same path come
 * one after the other: of two clients with the same If-Match only one succeeds.
 */
export const replaceFile = (lock: KeyLock, path: BytePath, options: ReplaceOptions): Promise<Replaced> =>
  about(path, async () => {
    const { content, size, mode, parents = false, conditions = {} } = options;
    if (parents) await mkdir(toFs(parentOf(path)), { recursive: true });
    const target = await resolveTarget(path);
    requireReplaceable(target, path, conditions);
    if (size !== undefined) await requireRoom(target.path, size, path);
    const temporary = joinPath(parentOf(target.path), temporaryName());
    const handle = await open(
      toFs(temporary),
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o666,
    );
    try {
      try {
        await likeTheOld(handle, target.stats, mode);
        for await (const chunk of content) await writeAll(handle, chunk);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      const created = await lock(target.path, () => commit(temporary, path, conditions));
      return { info: await readFileInfo(path, { follow: true }), created };
    } catch (error) {
      await unlink(toFs(temporary)).catch(() => undefined);
      throw error;
    }
  });

const MAX_LINKS = 40;

/** Where the bytes go: what a symlink leads to is replaced, not the symlink. */
const resolveTarget = async (path: BytePath): Promise<Target> => {
  let at = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    // The directory for real: a relative symlink is relative to where it is, not to how one came there.
    const directory = fromFs(await realpath(toFs(parentOf(at)), { encoding: 'buffer' }));
    at = joinPath(directory, nameOf(at));
    const stats = await lstatIfThere(at);
    if (stats?.isSymbolicLink() !== true) return { path: at, stats };
    at = resolvePath(directory, fromFs(await readlink(toFs(at), { encoding: 'buffer' })));
  }
  throw Object.assign(new Error('too many symlinks'), { code: 'ELOOP' });
};

const lstatIfThere = async (path: BytePath): Promise<BigIntStats | undefined> => {
  try {
    return await lstat(toFs(path), { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

const requireReplaceable = ({ stats }: Target, path: BytePath, conditions: IncomingHttpHeaders): void => {
  if (path === '/' || stats?.isDirectory() === true) throw Object.assign(new Error('a directory'), { code: 'EISDIR' });
  if (stats !== undefined && !stats.isFile()) {
    throw new DaemonError('failed_precondition', `${toText(path)}: it is no regular file`, undefined, 'not_regular');
  }
  if (judgeWrite(conditions, stats && entityTag(stats)) === 'failed') throw changed(path);
};

/** Says that the disk is too full before the upload, and not after most of it. */
const requireRoom = async (target: BytePath, size: number, path: BytePath): Promise<void> => {
  const { bavail, bsize } = await statfs(toFs(parentOf(target)));
  if (size <= bavail * bsize) return;
  const message = `${toText(path)}: ${size} bytes do not fit on the file system, which has ${bavail * bsize} left`;
  throw new DaemonError('resource_exhausted', message, undefined, 'no_space');
};

const likeTheOld = async (
  handle: FileHandle,
  old: BigIntStats | undefined,
  mode: number | undefined,
): Promise<void> => {
  const wanted = mode ?? (old === undefined ? undefined : Number(old.mode & 0o7777n));
  if (old !== undefined) {
    const mine = await handle.stat({ bigint: true });
    // Only root can, and only root needs it.
    if (mine.uid !== old.uid || mine.gid !== old.gid) {
      await handle.chown(Number(old.uid), Number(old.gid)).catch(() => undefined);
    }
  }
  // After chown, which takes setuid away.
  if (wanted !== undefined) await handle.chmod(wanted);
};

const writeAll = async (handle: FileHandle, chunk: Buffer): Promise<void> => {
  for (let at = 0; at < chunk.length;) {
    const { bytesWritten } = await handle.write(chunk, at, chunk.length - at);
    at += bytesWritten;
  }
};

/** Whether the file is new. */
const commit = async (temporary: BytePath, path: BytePath, conditions: IncomingHttpHeaders): Promise<boolean> => {
  const target = await resolveTarget(path);
  requireReplaceable(target, path, conditions);
  const mustBeNew = conditions['if-none-match'] !== undefined && target.stats === undefined;
  if (mustBeNew && (await linkNew(temporary, target.path, path))) return true;
  await rename(toFs(temporary), toFs(target.path));
  return target.stats === undefined;
};

/** A link never replaces anything, so that not even a process of the sandbox can come in between. */
const linkNew = async (temporary: BytePath, target: BytePath, path: BytePath): Promise<boolean> => {
  try {
    await link(toFs(temporary), toFs(target));
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw changed(path);
    // A file system without hard links, such as a mounted bucket.
    return false;
  }
  await unlink(toFs(temporary));
  return true;
};
