import { stat } from 'node:fs/promises';
import { type BytePath, isWithin, joinPath, nameOf, toFs } from './byte-path.ts';
import { look } from './directory-snapshot.ts';
import { about } from './fs-error.ts';
import { countEvent, onEventsLost } from './inotify-queue.ts';
import { findMoves, judgeChanges, type Observation, type TreeEvent } from './watch-verdict.ts';
import { makeWatchedDirectories, type WatchedDirectory } from './watched-directories.ts';

export interface TreeWatchOptions {
  readonly recursive: boolean;
  readonly onEvents: (events: readonly TreeEvent[]) => void;
  /** More happened below that path than can be told. */
  readonly onOverflow: (path: BytePath) => void;
  /** The watched directory is gone: nothing comes any more. */
  readonly onGone: () => void;
}

interface Heard {
  renamed: boolean;
  touched: boolean;
}

/** What is heard within so many milliseconds is judged together: both halves of a move, all of a save. */
const GATHER_MS = 20;
const MAX_HEARD = 16_384;
const AT_ONCE = 64;

/**
 * Watches a directory, and with `recursive` all below it. inotify says which names to look at; what happened to them is
 * found by comparing what is there with what was. Resolves when the watch stands.
 *
 * - gathering: names are heard of; after GATHER_MS they are judged, one gathering after the other.
 * - overflowed: more names than can be held, or the kernel's queue was full: all is read anew, and the reader told so.
 * - closed: by the caller, or because the directory is gone.
 */
export const watchTree = async (root: BytePath, options: TreeWatchOptions): Promise<{ readonly close: () => void }> => {
  const { recursive, onEvents, onOverflow, onGone } = options;
  let heard = new Map<WatchedDirectory, Map<BytePath, Heard>>();
  let count = 0;
  let overflowed = false;
  let timer: NodeJS.Timeout | undefined;
  let work = Promise.resolve();
  let closed = false;

  const close = (): void => {
    closed = true;
    clearTimeout(timer);
    forget();
    directories.close();
  };

  const directories = makeWatchedDirectories(recursive, (directory, name, kind) => {
    countEvent();
    if (closed) return;
    const names = heard.get(directory) ?? new Map<BytePath, Heard>();
    heard.set(directory, names);
    const one = names.get(name) ?? { renamed: false, touched: false };
    if (!names.has(name)) {
      names.set(name, one);
      count++;
    }
    if (kind === 'rename') one.renamed = true;
    else one.touched = true;
    if (count > MAX_HEARD) overflow();
    schedule();
  });

  const overflow = (): void => {
    overflowed = true;
    heard.clear();
    count = 0;
    schedule();
  };
  const forget = onEventsLost(overflow);

  const schedule = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      work = work.then(judge).catch(() => {
        // Something that was neither there nor gone: the reader looks anew.
        if (!closed) onOverflow(root);
      });
    }, GATHER_MS);
  };

  const judge = async (): Promise<void> => {
    if (closed) return;
    const all = heard;
    heard = new Map();
    count = 0;
    const isAnew = overflowed;
    overflowed = false;
    if (isAnew) {
      for (const directory of directories.all()) await directories.refresh(directory);
      onOverflow(root);
    } else {
      const observations = await observe(all);
      const events = judgeChanges(observations.map(({ observation }) => observation));
      remember(observations);
      for (const event of events) await tell(event, observations);
    }
    if ((isAnew || isHeardOfRoot(all)) && (await isRootGone())) {
      close();
      onGone();
    }
  };

  /** Looks at each name; where directories were moved, again at what was heard of below them. */
  const observe = async (all: typeof heard): Promise<readonly Observed[]> => {
    let observed = await observeOnce(all);
    for (let pass = 0; pass < 5; pass++) {
      const moves = findMoves(observed.map(({ observation }) => observation)).filter(
        ({ from, to }) =>
          to.now?.isDirectory === true && directories.all().some(({ path }) => isWithin(from.path, path)),
      );
      if (moves.length === 0) return observed;
      for (const { from, to } of moves) directories.rename(from.path, to.path);
      observed = await observeOnce(all);
    }
    return observed;
  };

  const remember = (observations: readonly Observed[]): void => {
    for (const { directory, name, observation } of observations) directories.note(directory, name, observation.now);
  };

  const tell = async (event: TreeEvent, observations: readonly Observed[]): Promise<void> => {
    const now = observations.find(({ observation }) => observation.path === event.path)?.observation.now;
    if (event.type === 'removed') directories.drop(event.path);
    if (event.type !== 'created' || !recursive || now?.isDirectory !== true) return onEvents([event]);
    try {
      // What came into it before it was watched. Who hears of a directory can rely on it being watched.
      const found = await directories.add(event.path);
      onEvents([event, ...found.map((path): TreeEvent => ({ type: 'created', path }))]);
    } catch {
      onEvents([event]);
      onOverflow(event.path);
    }
  };

  /** Of a watched directory itself inotify speaks by its own name. */
  const isHeardOfRoot = (all: typeof heard): boolean => {
    const directory = directories.root();
    return directory === undefined || all.get(directory)?.get(nameOf(root))?.renamed === true;
  };

  const isRootGone = async (): Promise<boolean> => (await inodeOf(root).catch(() => undefined)) !== rootIno;

  const rootIno = await about(root, () => inodeOf(root));
  try {
    await about(root, () => directories.add(root));
  } catch (error) {
    close();
    throw error;
  }
  return { close };
};

/** Throws where it is no directory. */
const inodeOf = async (directory: BytePath): Promise<number> => {
  const stats = await stat(toFs(directory));
  if (!stats.isDirectory()) throw Object.assign(new Error('no directory'), { code: 'ENOTDIR' });
  return stats.ino;
};

interface Observed {
  readonly directory: WatchedDirectory;
  readonly name: BytePath;
  readonly observation: Observation;
}

const observeOnce = async (
  all: ReadonlyMap<WatchedDirectory, ReadonlyMap<BytePath, Heard>>,
): Promise<readonly Observed[]> => {
  const names = [...all].flatMap(([directory, heard]) => [...heard].map(([name, one]) => ({ directory, name, one })));
  const observed: Observed[] = [];
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const some = names.slice(at, at + AT_ONCE).map(async ({ directory, name, one }): Promise<Observed> => {
      const path = joinPath(directory.path, name);
      const isItself = name === nameOf(directory.path) && directory.entries.get(name) === undefined;
      return {
        directory,
        name,
        observation: {
          path,
          before: directory.entries.get(name),
          now: await look(path),
          renamed: one.renamed,
          touched: one.touched,
          forgotten: directory.forgotten && !isItself,
        },
      };
    });
    observed.push(...(await Promise.all(some)));
  }
  return observed;
};
