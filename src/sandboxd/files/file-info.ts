import type { BigIntStats } from 'node:fs';
import { lstat, readlink, stat } from 'node:fs/promises';
import type { FileInfo, FileKind } from '../protocol/files.ts';
import { type BytePath, encodePath, fromFs, isText, nameOf, toFs, toText } from './byte-path.ts';
import { about } from './fs-error.ts';

/** With `follow`, of what a symlink leads to; the path stays the symlink's. */
export const readFileInfo = (path: BytePath, { follow }: { readonly follow: boolean }): Promise<FileInfo> =>
  about(path, async () => {
    const stats = await (follow ? stat : lstat)(toFs(path), { bigint: true });
    return stats.isSymbolicLink() ? linkInfo(path, stats) : toFileInfo(path, stats);
  });

const linkInfo = async (path: BytePath, stats: BigIntStats): Promise<FileInfo> => {
  const target = fromFs(await readlink(toFs(path), { encoding: 'buffer' }));
  return { ...toFileInfo(path, stats), target: toText(target) };
};

export const toFileInfo = (path: BytePath, stats: BigIntStats): FileInfo => ({
  path: toText(path),
  ...(isText(path) ? {} : { encodedPath: encodePath(path) }),
  name: toText(nameOf(path)),
  kind: kindOf(stats),
  size: Number(stats.size),
  mode: Number(stats.mode & 0o7777n),
  uid: Number(stats.uid),
  gid: Number(stats.gid),
  modifiedAt: rfc3339Nanos(stats.mtimeNs),
  etag: entityTag(stats),
});

export const kindOf = (stats: Pick<BigIntStats, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): FileKind =>
  stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'other';

/** The time of change is in it because nobody can set that one back. */
export const entityTag = ({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  `"${[ino, size, mtimeNs, ctimeNs].map((part) => part.toString(36)).join('-')}"`;

const NANOS = 1_000_000_000n;

/** Also of times before 1970. */
const rfc3339Nanos = (nanoseconds: bigint): string => {
  const fraction = ((nanoseconds % NANOS) + NANOS) % NANOS;
  const seconds = (nanoseconds - fraction) / NANOS;
  const date = new Date(Number(seconds) * 1000);
  // A file can carry a time that no calendar of JavaScript knows.
  const whole = Number.isNaN(date.getTime()) ? '1970-01-01T00:00:00' : date.toISOString().replace(/\.\d+Z$/, '');
  return `${whole}.${fraction.toString().padStart(9, '0')}Z`;
};
