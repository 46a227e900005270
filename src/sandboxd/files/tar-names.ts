import { lstat, realpath } from 'node:fs/promises';
import { posix } from 'node:path';
import { DaemonError } from '../protocol/problem.ts';
import { type BytePath, fromFs, isWithin, joinPath, toFs, toText } from './byte-path.ts';
import { isMissing } from './fs-error.ts';

/** What of a tar's member matters here. */
export interface TarMember {
  readonly name: BytePath;
  readonly kind: 'file' | 'directory' | 'symlink' | 'hardlink' | 'fifo';
  /** Of a hard link: the name of another member, or of what is in the directory. */
  readonly linkName?: BytePath;
}

export type MemberCheck = (member: TarMember) => Promise<void>;

/** So many symlinks of one archive, and so many directories of the target, are remembered. */
const MAX_SYMLINKS = 100_000;
const MAX_KNOWN = 10_000;

const refused = (name: BytePath, why: string): DaemonError =>
  new DaemonError(
    'invalid_argument',
    `the archive's member ${JSON.stringify(toText(name))} ${why}`,
    undefined,
    'not_an_archive',
  );

/**
 * Says of each member, before tar sees it, whether it stays in `root`. Refused are absolute names, `..`, and names that
 * lead through a symlink: one of the same archive, or one in the directory that leads out of it. What a symlink of the
 * archive leads to is its own business, as nothing goes through it: Python's virtual environments have absolute ones.
 */
export const makeMemberCheck = (root: BytePath): MemberCheck => {
  const symlinks = new Set<string>();
  const known = new Set<string>();

  /** `whole`: the last part may be no symlink that leads out either. */
  const requireInside = async (member: BytePath, name: BytePath, whole: boolean): Promise<void> => {
    if (name.startsWith('/')) throw refused(member, 'has an absolute name');
    if (name.split('/').includes('..')) throw refused(member, 'has .. in its name');
    const parts = posix
      .normalize(name)
      .split('/')
      .filter((part) => part !== '' && part !== '.');
    let relative = '';
    for (const part of whole ? parts : parts.slice(0, -1)) {
      relative = relative === '' ? part : `${relative}/${part}`;
      if (symlinks.has(relative)) throw refused(member, 'goes through a symlink of the same archive');
      if (known.has(relative)) continue;
      if (!(await leadsInside(root, joinPath(root, relative as BytePath)))) {
        throw refused(
          member,
          `goes through ${JSON.stringify(toText(relative as BytePath))}, which leads out of the directory`,
        );
      }
      if (known.size < MAX_KNOWN) known.add(relative);
    }
  };

  return async ({ name, kind, linkName }) => {
    await requireInside(name, name, kind === 'directory');
    if (linkName !== undefined) await requireInside(name, linkName, true);
    if (kind !== 'symlink') return;
    const plain = posix.normalize(name).replace(/\/$/, '');
    if (symlinks.size >= MAX_SYMLINKS) throw new DaemonError('resource_exhausted', 'the archive has too many symlinks');
    symlinks.add(plain);
    known.delete(plain);
  };
};

const leadsInside = async (root: BytePath, path: BytePath): Promise<boolean> => {
  try {
    if (!(await lstat(toFs(path))).isSymbolicLink()) return true;
    return isWithin(root, fromFs(await realpath(toFs(path), { encoding: 'buffer' })));
  } catch (error) {
    // Not there: tar will make a directory. A symlink that leads nowhere is none that one can be sure of.
    return isMissing(error) && !(await isThere(path));
  }
};

const isThere = async (path: BytePath): Promise<boolean> => {
  try {
    await lstat(toFs(path));
    return true;
  } catch {
    return false;
  }
};
