import { realpath } from 'node:fs/promises';
import { type BytePath, fromFs, toFs, toText } from '../files/byte-path.ts';
import { readFileInfo } from '../files/file-info.ts';
import type { FileInfo, FileKind } from '../protocol/files.ts';
import type { AccountNames } from './account-names.ts';

/** filesystem.EntryInfo, as JSON of a protobuf message: 64-bit numbers are strings. */
export interface EntryInfo {
  readonly name: string;
  readonly type: string;
  readonly path: string;
  readonly size: string;
  readonly mode: number;
  readonly permissions: string;
  readonly owner: string;
  readonly group: string;
  readonly modifiedTime: string;
  readonly symlinkTarget?: string;
}

const TYPES: Readonly<Record<FileKind, string>> = {
  file: 'FILE_TYPE_FILE',
  directory: 'FILE_TYPE_DIRECTORY',
  symlink: 'FILE_TYPE_SYMLINK',
  other: 'FILE_TYPE_UNSPECIFIED',
};

export const readEntryInfo = async (path: BytePath, names: AccountNames): Promise<EntryInfo> =>
  toEntryInfo(path, await readFileInfo(path, { follow: false }), names);

export const toEntryInfo = async (path: BytePath, info: FileInfo, names: AccountNames): Promise<EntryInfo> => ({
  name: info.name,
  type: TYPES[info.kind],
  path: info.path,
  size: String(info.size),
  mode: info.mode & 0o777,
  permissions: permissions(info),
  owner: names.user(info.uid),
  group: names.group(info.gid),
  modifiedTime: info.modifiedAt,
  ...(info.kind === 'symlink' ? { symlinkTarget: await resolved(path, info) } : {}),
});

/** Where a symlink leads in the end; what stands in it where that is nowhere. */
const resolved = async (path: BytePath, info: FileInfo): Promise<string> => {
  try {
    return toText(fromFs(await realpath(toFs(path), { encoding: 'buffer' })));
  } catch {
    return info.target ?? '';
  }
};

const LETTERS: Readonly<Record<FileKind, string>> = { file: '-', directory: 'd', symlink: 'L', other: '?' };

/** As Go writes a file's mode, which the original's daemon does: `-rwxr-xr-x`. */
const permissions = ({ kind, mode }: FileInfo): string =>
  LETTERS[kind] +
  'rwxrwxrwx'
    .split('')
    .map((letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-'))
    .join('');
