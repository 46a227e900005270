import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { HomeError, type HeadSummary, type Home, type HomeOptions } from '../../../src/workspace/home.ts';
import { StoreError } from '../../../src/workspace/object-store.ts';
import type { StorageVerdict } from '../../../src/node/storage-watch.ts';
import type { Effects } from './effects.ts';

type Files = Readonly<Record<string, string>>;

/**
 * A bucket with one workspace in it, and an engine of the simplest kind on real folders: it keeps to the contract of
 * src/workspace/home.ts, and remembers every state it was ever asked to publish.
 */
export interface FakeBucket {
  readonly files: () => Files;
  readonly epoch: () => number;
  readonly conflicts: () => readonly Files[];
  readonly commits: () => number;
  /** What every request meets from now on; undefined: nothing. */
  readonly fail: (error: Error | undefined) => void;
  /** From now on conflicts are read but not stored until the answer is called. */
  readonly holdConflicts: () => () => void;
  /** Conflicts that were read so far. */
  readonly conflictsRead: () => number;
  /** The node's machine goes down and comes back. */
  readonly reboot: () => void;
  /** Restored files do not reach the disk before the machine goes down. */
  readonly slowDisk: () => void;
  /** Requests are neither answered nor refused until the answer is called. */
  readonly swallow: () => () => void;
  /** What a look at the bucket says. */
  readonly verdict: () => StorageVerdict;
  /** Another writer takes HEAD. */
  readonly fence: (epoch: number) => void;
  readonly openHome: (effects: Effects) => (options: HomeOptions) => Promise<Home>;
}

export const unreachable = (): StoreError =>
  new StoreError('Unreachable', 's3:PutObject', 's3://bucket cannot be reached: connection refused');

const readFiles = async (folder: string): Promise<Files> => {
  const names = (await readdir(folder)).sort();
  const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
  return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? '']));
};

export const makeFakeBucket = (initial: Files = {}): FakeBucket => {
  let files: Files = initial;
  let epoch = 0;
  let sequence = 0;
  let boot = 1;
  let slowDisk = false;
  let held: Promise<void> = Promise.resolve();
  let waiting = 0;
  let swallowed: PromiseWithResolvers<void> | undefined;
  let fault: Error | undefined;
  const conflicts: Files[] = [];

  const head = (): HeadSummary => ({
    epoch,
    sequence,
    manifest: sequence === 0 ? undefined : `.ws/manifests/${epoch}-${sequence}`,
    committedAt: 0,
    files: Object.keys(files).length,
    bytes: 0,
  });
  const request = async (signal: AbortSignal | undefined): Promise<void> => {
    await swallowed?.promise;
    signal?.throwIfAborted();
    if (fault !== undefined) throw fault;
  };

  const open = (effects: Effects, options: HomeOptions): Home => {
    const mark = (name: string): string => path.join(options.state, name);
    const marks = (): Promise<Files> => effects.run('engine.look', () => readFiles(options.state));
    const setMark = (name: string, text: string): Promise<void> =>
      effects.run(`engine.mark.${name}`, () => writeFile(mark(name), text));
    // As the engine: a home whose restored files had not reached the disk when the machine went down is torn.
    const isWhole = ({ restored }: Files): boolean => restored === 'synced' || restored === `boot ${boot}`;
    const fenceCheck = (): void => {
      if (epoch > options.epoch) throw new HomeError('Fenced', `HEAD has epoch ${epoch}`);
    };
    const storeConflict = async (signal: AbortSignal | undefined): Promise<string> => {
      const found = await effects.run('engine.scan', () => readFiles(options.home));
      await effects.run('engine.saveConflict', async () => {
        waiting += 1;
        await held;
        await request(signal);
        conflicts.push(found);
      });
      return `.ws/conflicts/${options.epoch}-${conflicts.length}`;
    };
    const claim = (signal: AbortSignal | undefined): Promise<void> =>
      effects.run('engine.claim', async () => {
        await request(signal);
        fenceCheck();
        epoch = options.epoch;
      });
    const fill = async (): Promise<void> => {
      await effects.run('engine.empty', async () => {
        for (const name of await readdir(options.home)) await rm(path.join(options.home, name));
      });
      for (const [name, text] of Object.entries(files)) {
        await effects.run('engine.restoreFile', () => writeFile(path.join(options.home, name), text));
      }
      await setMark('restored', slowDisk ? `boot ${boot}` : 'synced');
    };
    return {
      restore: async ({ signal }) => {
        const found = await marks();
        if (isWhole(found)) return { head: head(), resumed: true };
        const torn = found['restored'] !== undefined && found['restored'] !== '';
        const setAside = torn ? await storeConflict(signal) : undefined;
        if (torn) await setMark('restored', '');
        await claim(signal);
        await fill();
        return { head: head(), resumed: false, ...(setAside === undefined ? {} : { setAside }) };
      },
      commit: async ({ signal }) => {
        if (!isWhole(await marks())) throw new HomeError('NotRestored', 'the home is not complete');
        const found = await effects.run('engine.scan', () => readFiles(options.home));
        const committed = JSON.stringify(found) !== JSON.stringify(files) || epoch !== options.epoch;
        if (committed) {
          await effects.run('engine.commit', async () => {
            await request(signal);
            fenceCheck();
            files = found;
            sequence += 1;
          });
        }
        return { head: head(), committed, dirty: 0, skipped: [], skippedTotal: 0, scanMs: 1 };
      },
      saveConflict: async ({ signal }) => {
        const before = (await marks())['conflict'];
        if (before !== undefined) return { manifest: before };
        const manifest = await storeConflict(signal);
        await setMark('conflict', manifest);
        return { manifest };
      },
      close: () => Promise.resolve(),
    };
  };

  return {
    files: () => files,
    epoch: () => epoch,
    conflicts: () => conflicts,
    commits: () => sequence,
    fail: (error) => {
      fault = error;
    },
    fence: (newer) => {
      epoch = newer;
    },
    openHome: (effects) => async (options) => {
      await mkdir(options.state, { recursive: true });
      return open(effects, options);
    },
    holdConflicts: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
    conflictsRead: () => waiting,
    swallow: () => {
      const hole = Promise.withResolvers<void>();
      swallowed = hole;
      return () => {
        swallowed = undefined;
        hole.resolve();
      };
    },
    verdict: () =>
      swallowed === undefined
        ? { ok: true }
        : { ok: false, reason: 'Unreachable', permission: '', message: 'bucket has not answered for 10 s' },
    reboot: () => {
      boot += 1;
    },
    slowDisk: () => {
      slowDisk = true;
    },
  };
};
