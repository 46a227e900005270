import { type BytePath, fromText, resolvePath } from '../files/byte-path.ts';
import type { FileEvent } from '../protocol/files.ts';
import { DaemonError } from '../protocol/problem.ts';
import type { AccountNames } from './account-names.ts';
import { type EntryInfo, readEntryInfo } from './entry-info.ts';

/** filesystem.FilesystemEvent. The name is relative to what is watched. */
export interface FilesystemEvent {
  readonly name: string;
  readonly type: string;
  readonly entry?: EntryInfo;
}

/**
 * What E2B's daemon says of an event: of a move, that the old name was renamed and the new one was made. Nothing of
 * keepalives. It has no word for events that were lost, so those are an error (`internal`), which ends the watch.
 */
export const toFilesystemEvents = async (
  root: string,
  event: FileEvent,
  { includeEntry, names }: { readonly includeEntry: boolean; readonly names: AccountNames },
): Promise<readonly FilesystemEvent[]> => {
  if (event.type === 'overflow') {
    throw new DaemonError('internal', 'more happened than can be told: list the directory, and watch it again');
  }
  const named = namesOf(event).map(([type, path]) => ({
    type: `EVENT_TYPE_${type}`,
    name: relative(root, path),
    path,
  }));
  return Promise.all(
    named.map(async ({ type, name, path }) => {
      const entry = includeEntry ? await entryIfThere(fromText(path), names) : undefined;
      return entry === undefined ? { name, type } : { name, type, entry };
    }),
  );
};

const namesOf = ({ type, path, from }: FileEvent): readonly (readonly [type: string, path: string])[] => {
  switch (type) {
    case 'created':
      return [['CREATE', path]];
    case 'changed':
      return [['WRITE', path]];
    case 'attributes':
      return [['CHMOD', path]];
    case 'removed':
      return [['REMOVE', path]];
    case 'moved':
      return [
        ['RENAME', from ?? ''],
        ['CREATE', path],
      ];
    case 'ready':
    case 'keepalive':
    case 'overflow':
      return [];
    default:
      return type satisfies never;
  }
};

const relative = (root: string, path: string): string =>
  path === root ? '.' : path.slice(root === '/' ? 1 : root.length + 1);

const entryIfThere = async (path: BytePath, names: AccountNames): Promise<EntryInfo | undefined> => {
  try {
    return await readEntryInfo(resolvePath(path, path), names);
  } catch {
    return undefined;
  }
};
