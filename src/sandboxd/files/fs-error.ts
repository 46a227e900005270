import { DaemonError, type DaemonCode, type DaemonReason } from '../protocol/problem.ts';
import { type BytePath, toText } from './byte-path.ts';

type Meaning = readonly [code: DaemonCode, message: string, reason?: DaemonReason];

/** What the kernel's errors mean to who asked. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOENT: ['not_found', 'there is no such file or directory'],
  EACCES: ['permission_denied', 'the sandbox user may not do this'],
  EPERM: ['permission_denied', 'the sandbox user may not do this'],
  EEXIST: ['already_exists', 'it is there already'],
  EISDIR: ['failed_precondition', 'it is a directory', 'is_directory'],
  ENOTDIR: ['failed_precondition', 'it, or a part of its path, is no directory', 'not_directory'],
  ENOTEMPTY: ['failed_precondition', 'the directory is not empty', 'not_empty'],
  ENOSPC: ['resource_exhausted', 'the file system is full', 'no_space'],
  EDQUOT: ['resource_exhausted', 'the quota of the file system is used up', 'no_space'],
  EFBIG: ['resource_exhausted', 'the file would be larger than is allowed', 'no_space'],
  ELOOP: ['failed_precondition', 'symlinks lead to each other', 'symlink_loop'],
  ENAMETOOLONG: ['invalid_argument', 'a name is too long', 'name_too_long'],
  EROFS: ['permission_denied', 'the file system is read-only', 'read_only'],
  EBUSY: ['failed_precondition', 'it is in use, or something is mounted there', 'busy'],
  ETXTBSY: ['failed_precondition', 'it is a program that runs', 'busy'],
  EINVAL: ['invalid_argument', 'this is not possible with it'],
  EMFILE: ['resource_exhausted', 'too many files are open in the sandbox'],
  ENFILE: ['resource_exhausted', 'too many files are open in the sandbox'],
  EIO: ['internal', 'the disk failed'],
};

export const errnoOf = (error: unknown): string | undefined => {
  const code: unknown = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
};

export const isMissing = (error: unknown): boolean => errnoOf(error) === 'ENOENT';

/** What a failure of node:fs about `path` is answered with; anything else comes back as it is. */
export const fileError = (error: unknown, path: BytePath): unknown => {
  if (error instanceof DaemonError) return error;
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const [code, message, reason] = MEANINGS[errno] ?? (['internal', errno] as const);
  return new DaemonError(code, `${toText(path)}: ${message}`, error, reason);
};

/** Runs `work`, whose failures are about `path`. */
export const about = async <T>(path: BytePath, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw fileError(error, path);
  }
};
