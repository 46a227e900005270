import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { Home, HomeOptions } from '../../../src/workspace/home.ts';
import { openHome } from '../../../src/workspace/open-home.ts';
import { startFakeS3, type FakeS3 } from '../fake-s3/server.ts';
import { fakeStore } from '../fake-s3/store.ts';

export interface TestHome extends Home {
  readonly folder: string;
  readonly state: string;
  readonly options: HomeOptions;
}

/** Homes of one workspace on one fake S3, in a folder of their own that `close` deletes. */
export interface TestHomes {
  readonly fake: FakeS3;
  readonly store: HomeOptions['store'];
  readonly folder: string;
  /** Opens `<folder>/<name>`; the same name again is a restart. Does not restore. */
  readonly open: (name: string, epoch: number, options?: Partial<HomeOptions>) => Promise<TestHome>;
  /** A new home of a higher epoch than all before, restored from HEAD. */
  readonly next: () => Promise<TestHome>;
  readonly close: () => Promise<void>;
}

export const PREFIX = 'users/ann/';

/** These tests are about what is written in which order, not about the disk: `flush` is played as well. */
const MEMORY = '/dev/shm';

export const makeTestHomes = async (): Promise<TestHomes> => {
  const fake = await startFakeS3();
  const store = fakeStore(fake);
  const folder = mkdtempSync(join(MEMORY, 'matrx-home-'));
  const homes: Home[] = [];
  let lastEpoch = 0;

  const open: TestHomes['open'] = async (name, epoch, overrides = {}) => {
    lastEpoch = Math.max(lastEpoch, epoch);
    const base = join(folder, name);
    mkdirSync(base, { recursive: true });
    const options: HomeOptions = {
      store,
      prefix: PREFIX,
      epoch,
      writer: `sandbox/${name} on test`,
      home: join(base, 'home'),
      state: join(base, 'state'),
      ownerId: 1000,
      clock: systemClock,
      random: systemRandom,
      flush: () => Promise.resolve(),
      ...overrides,
    };
    const home = await openHome(options);
    homes.push(home);
    return { ...home, folder: options.home, state: options.state, options };
  };

  const next = async (): Promise<TestHome> => {
    const epoch = lastEpoch + 1;
    const home = await open(`epoch-${epoch}`, epoch);
    await home.restore({});
    return home;
  };

  const close = async (): Promise<void> => {
    fake.faults.clear();
    await Promise.all(homes.map((home) => home.close()));
    store.close();
    await fake.close();
    rmSync(folder, { recursive: true, force: true });
  };

  return { fake, store, folder, open, next, close };
};
