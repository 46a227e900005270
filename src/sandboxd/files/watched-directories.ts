import { type FSWatcher, watch } from 'node:fs';
import { DaemonError } from '../protocol/problem.ts';
import { type BytePath, fromFs, isWithin, joinPath, toFs } from './byte-path.ts';
import { type KnownEntry, snapshot } from './directory-snapshot.ts';
import { errnoOf } from './fs-error.ts';
import { isTemporary } from './temporary-name.ts';

export interface WatchedDirectory {
  /** Changes when it is moved: the kernel watches the directory, not the name. */
  path: BytePath;
  entries: Map<BytePath, KnownEntry>;
  /** Its entries are more than there is room for. */
  forgotten: boolean;
  readonly watcher: FSWatcher;
}

export type Hear = (directory: WatchedDirectory, name: BytePath, kind: 'rename' | 'change') => void;

/** So many directories and entries one watch takes; a watch of a larger tree would weigh more than all of the daemon. */
const MAX_DIRECTORIES = 8192;
const MAX_ENTRIES = 65_536;

const tooMany = (cause?: unknown): DaemonError =>
  new DaemonError(
    'resource_exhausted',
    `there are too many directories to watch (${MAX_DIRECTORIES}, or fs.inotify.max_user_watches): watch a part of them`,
    cause,
  );

interface Contents {
  readonly paths: readonly BytePath[];
  readonly subdirectories: readonly BytePath[];
}

/** The directories of one watch: inotify knows no trees, so each is watched by itself. */
export interface WatchedDirectories {
  readonly root: () => WatchedDirectory | undefined;
  readonly all: () => readonly WatchedDirectory[];
  /**
   * Watches a directory, and with `recursive` those in it; resolves with all paths found below. Throws where it is
   * none, is gone, or there are too many.
   */
  readonly add: (path: BytePath) => Promise<readonly BytePath[]>;
  /** An entry is now that, or is gone. */
  readonly note: (directory: WatchedDirectory, name: BytePath, entry: KnownEntry | undefined) => void;
  /** Reads it anew, and watches what directories came. */
  readonly refresh: (directory: WatchedDirectory) => Promise<void>;
  readonly rename: (from: BytePath, to: BytePath) => void;
  readonly drop: (path: BytePath) => void;
  readonly close: () => void;
}

export const makeWatchedDirectories = (recursive: boolean, hear: Hear): WatchedDirectories => {
  const directories = new Map<BytePath, WatchedDirectory>();
  let remembered = 0;
  let closed = false;

  const watchOne = (path: BytePath): WatchedDirectory => {
    if (directories.size >= MAX_DIRECTORIES) throw tooMany();
    let watcher: FSWatcher;
    try {
      watcher = watch(toFs(path), { encoding: 'buffer' as BufferEncoding, persistent: false });
    } catch (error) {
      throw ['ENOSPC', 'EMFILE'].includes(errnoOf(error) ?? '') ? tooMany(error) : error;
    }
    const directory: WatchedDirectory = { path, entries: new Map(), forgotten: false, watcher };
    watcher.on('change', (kind, name) => {
      const bytes = typeof name === 'string' ? Buffer.from(name) : (name as Buffer | null);
      if (bytes !== null && !isTemporary(bytes.toString('latin1')))
        hear(directory, fromFs(bytes), kind as 'rename' | 'change');
    });
    watcher.on('error', () => drop(directory.path));
    directories.set(path, directory);
    return directory;
  };

  const remember = async (directory: WatchedDirectory): Promise<Contents> => {
    remembered -= directory.entries.size;
    directory.entries = await snapshot(directory.path);
    const found = [...directory.entries];
    directory.forgotten = remembered + directory.entries.size > MAX_ENTRIES;
    if (directory.forgotten) directory.entries = new Map();
    remembered += directory.entries.size;
    const paths = found.map(([name]) => joinPath(directory.path, name));
    return { paths, subdirectories: paths.filter((_path, index) => found[index]?.[1].isDirectory === true) };
  };

  const note: WatchedDirectories['note'] = (directory, name, entry) => {
    if (directory.forgotten) return;
    const { entries } = directory;
    remembered -= entries.size;
    if (entry === undefined) entries.delete(name);
    else entries.set(name, entry);
    directory.forgotten = remembered + entries.size > MAX_ENTRIES;
    if (directory.forgotten) entries.clear();
    remembered += entries.size;
  };

  const add = async (path: BytePath): Promise<readonly BytePath[]> => {
    const found: BytePath[] = [];
    const open = [path];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (closed || directories.has(next)) continue;
      try {
        const { paths, subdirectories } = await remember(watchOne(next));
        found.push(...paths);
        if (recursive) open.push(...subdirectories);
      } catch (error) {
        // One that went, or is closed to us, while the others were added.
        if (error instanceof DaemonError || next === path) throw error;
      }
    }
    return found;
  };

  const drop = (path: BytePath): void => {
    for (const [at, directory] of directories) {
      if (!isWithin(path, at)) continue;
      directory.watcher.close();
      remembered -= directory.entries.size;
      directories.delete(at);
    }
  };

  return {
    root: () => directories.values().next().value,
    all: () => [...directories.values()],
    add,
    note,
    refresh: async (directory) => {
      const { subdirectories } = await remember(directory);
      if (!recursive) return;
      for (const path of subdirectories) if (!directories.has(path)) await add(path).catch(() => undefined);
    },
    rename: (from, to) => {
      drop(to);
      const moved = [...directories].filter(([at]) => isWithin(from, at));
      for (const [at, directory] of moved) {
        directories.delete(at);
        directory.path = `${to}${at.slice(from.length)}` as BytePath;
        directories.set(directory.path, directory);
      }
    },
    drop,
    close: () => {
      closed = true;
      for (const { watcher } of directories.values()) watcher.close();
      directories.clear();
    },
  };
};
