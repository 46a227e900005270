import { MAX_PAGE_ENTRIES, type EntriesPage, type FileInfo } from '../protocol/files.ts';
import { type BytePath, encodePath, joinPath, nameOf } from './byte-path.ts';
import { readFileInfo } from './file-info.ts';
import { about, errnoOf, isMissing } from './fs-error.ts';
import { readVisibleNames } from './read-names.ts';
import { smallest } from './smallest.ts';

export interface ListOptions {
  /** 1: what is in the directory; 2: also what is in its directories; and so on. */
  readonly depth: number;
  readonly limit: number;
  /** The last path of the page before. */
  readonly after?: BytePath;
}

/** One page. A directory comes before what is in it; names are in the order of their bytes. */
export const listPage = async (directory: BytePath, { depth, limit, after }: ListOptions): Promise<EntriesPage> => {
  const entries: FileInfo[] = [];
  let last: BytePath | undefined;
  for await (const batch of walk(directory, { depth, batch: Math.min(limit, MAX_PAGE_ENTRIES) + 1, after })) {
    for (const { path, info } of batch) {
      if (entries.length === limit) return { entries, next: encodePath(last ?? directory) };
      entries.push(info);
      last = path;
    }
  }
  return { entries, next: null };
};

interface Entry {
  readonly path: BytePath;
  readonly info: FileInfo;
}

interface WalkOptions {
  readonly depth: number;
  /** How many names of one directory are held at a time. */
  readonly batch: number;
  readonly after?: BytePath | undefined;
}

/**
 * A tree in order, a batch at a time. For each batch the directory is read anew and its smallest names kept that come
 * after those before, so the memory is bounded by the batch and the depth, whatever the directory holds.
 */
export async function* walk(directory: BytePath, options: WalkOptions): AsyncGenerator<readonly Entry[]> {
  const cursor = cursorWithin(directory, options.after);
  let past = cursor[0];
  // The cursor's own name is looked at again: what is in it comes after it.
  let inclusive = cursor.length > 0;
  for (;;) {
    const from = past;
    const withFrom = inclusive;
    const names = await about(directory, () =>
      smallest(readVisibleNames(directory), options.batch, (name) =>
        from === undefined ? true : withFrom ? name >= from : name > from,
      ),
    );
    const found = await readInfos(names.map((name) => joinPath(directory, name)));
    if (options.depth <= 1) yield withoutCursor(found, inclusive ? from : undefined);
    else yield* descend(found, options, inclusive ? from : undefined);
    if (names.length < options.batch) return;
    past = names.at(-1);
    inclusive = false;
  }
}

async function* descend(
  found: readonly Entry[],
  options: WalkOptions,
  cursorName: BytePath | undefined,
): AsyncGenerator<readonly Entry[]> {
  for (const entry of found) {
    const isCursor = nameOf(entry.path) === cursorName;
    if (!isCursor) yield [entry];
    if (entry.info.kind !== 'directory') continue;
    try {
      yield* walk(entry.path, { ...options, depth: options.depth - 1, after: isCursor ? options.after : undefined });
    } catch (error) {
      // Gone meanwhile, or not to be read: it is listed, and what is in it is not.
      if (!isPassable(error)) throw error;
    }
  }
}

const withoutCursor = (found: readonly Entry[], cursorName: BytePath | undefined): readonly Entry[] =>
  cursorName === undefined ? found : found.filter(({ path }) => nameOf(path) !== cursorName);

const isPassable = (error: unknown): boolean => {
  const cause = (error as { readonly cause?: unknown }).cause;
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(errnoOf(cause) ?? '');
};

/** The names that lead from the directory to the cursor; none where it does not lie below. */
const cursorWithin = (directory: BytePath, after: BytePath | undefined): readonly BytePath[] => {
  if (after === undefined) return [];
  const prefix = directory === '/' ? '/' : `${directory}/`;
  if (!after.startsWith(prefix)) return [];
  return after.slice(prefix.length).split('/') as BytePath[];
};

const AT_ONCE = 32;

/** Without those that are gone by now. */
const readInfos = async (paths: readonly BytePath[]): Promise<readonly Entry[]> => {
  const entries: Entry[] = [];
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    const some = paths.slice(at, at + AT_ONCE).map(async (path) => ({ path, info: await infoIfThere(path) }));
    for (const { path, info } of await Promise.all(some)) if (info !== undefined) entries.push({ path, info });
  }
  return entries;
};

const infoIfThere = async (path: BytePath): Promise<FileInfo | undefined> => {
  try {
    return await readFileInfo(path, { follow: false });
  } catch (error) {
    if (isMissing((error as { readonly cause?: unknown }).cause)) return undefined;
    throw error;
  }
};
