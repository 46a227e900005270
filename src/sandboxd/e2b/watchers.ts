import { randomBytes } from 'node:crypto';
import { type FileWatch, startFileWatch } from '../files/file-watch.ts';
import { type BytePath, toText } from '../files/byte-path.ts';
import { DaemonError } from '../protocol/problem.ts';

/** A watch that nobody is connected to: its events wait until they are asked for. */
export interface Watcher {
  readonly root: string;
  readonly includeEntry: boolean;
  readonly watch: FileWatch;
}

export interface Watchers {
  readonly create: (root: BytePath, options: WatcherOptions) => Promise<string>;
  /** Throws `not_found`. */
  readonly get: (id: string) => Watcher;
  readonly remove: (id: string) => void;
}

export interface WatcherOptions {
  readonly recursive: boolean;
  readonly includeEntry: boolean;
}

/** Beyond so many, the one that was not asked for the longest time makes room: its client has gone without a word. */
const MAX_WATCHERS = 64;

export const makeWatchers = (): Watchers => {
  // The order is that in which they were last asked for.
  const watchers = new Map<string, Watcher>();

  const remove = (id: string): void => {
    watchers.get(id)?.watch.close();
    watchers.delete(id);
  };
  const get = (id: string): Watcher => {
    const watcher = watchers.get(id);
    if (watcher === undefined) throw new DaemonError('not_found', `there is no watcher ${id}`);
    watchers.delete(id);
    watchers.set(id, watcher);
    return watcher;
  };

  return {
    create: async (root, { recursive, includeEntry }) => {
      const watch = await startFileWatch(root, { recursive });
      const [oldest] = watchers.keys();
      if (watchers.size >= MAX_WATCHERS && oldest !== undefined) remove(oldest);
      const id = `w${randomBytes(10).toString('hex')}`;
      watchers.set(id, { root: toText(root), includeEntry, watch });
      return id;
    },
    get,
    remove: (id) => {
      get(id);
      remove(id);
    },
  };
};
