import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Death } from './support/effects.ts';
import { asKubelet, homeOf, makeWorld, type TestDriver, type World } from './support/world.ts';

/** What happens to the node when the driver dies. */
type Accident = 'the process is killed' | 'the node reboots';

/**
 * One life of a sandbox whose drivers die as `deaths` says, one after another: publish, a file that is committed, a
 * file that is not, unpublish. Answers how many acts the first driver did.
 */
const live = async (world: World, deaths: readonly Death[], accident: Accident): Promise<number> => {
  const first = await world.boot(deaths[0]);
  let driver = first;
  let lives = 1;

  // A fresh driver where the last one has died; true if there was need of one.
  const revive = async (): Promise<boolean> => {
    if (!driver.effects.isDead()) return false;
    await driver.effects.settled();
    if (accident === 'the node reboots') world.reboot();
    driver = await world.boot(deaths[lives]);
    lives += 1;
    return true;
  };
  const call = async (pick: (current: TestDriver) => () => Promise<void>): Promise<void> => {
    do {
      await asKubelet(world, driver, pick(driver));
    } while (await revive());
  };
  const running = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    for (;;) {
      await world.until(async () => driver.effects.isDead() || (await condition()));
      if (!(await revive())) return;
      // After a reboot kubelet mounts the volumes of its pods before it starts them.
      if (accident === 'the node reboots') await call((current) => current.publish);
    }
  };
  const ending = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    do {
      await world.until(async () => driver.effects.isDead() || (await condition()));
    } while (await revive());
  };

  await call((current) => current.publish);
  // The container: sees its files, writes one, sees it committed, and writes another over it.
  expect(await readFile(path.join(homeOf(world), 'old'), 'utf8')).toBe('from before');
  await world.write('new', 'committed');
  await running(() => world.bucket.files()['new'] === 'committed');
  expect(await readFile(path.join(homeOf(world), 'new'), 'utf8')).toBe('committed');
  await world.write('new', 'changed later');
  await world.write('last', 'words');
  await call((current) => current.unpublish);
  await ending(async () => world.cluster.session()?.state === 'Closed' && (await world.homes()).length === 0);
  return first.effects.count();
};

const expectNothingLost = (world: World): void => {
  expect(world.bucket.files()).toEqual({ old: 'from before', new: 'changed later', last: 'words' });
  expect(world.bucket.conflicts()).toEqual([]);
  expect(world.mounted.size).toBe(0);
  expect(world.cluster.session()).toMatchObject({ epoch: 1, state: 'Closed', dirty: false });
};

const lifetimeWith = async (deaths: readonly Death[], accident: Accident): Promise<number> => {
  const world = await makeWorld({ old: 'from before' });
  try {
    const acts = await live(world, deaths, accident);
    expectNothingLost(world);
    return acts;
  } catch (error) {
    throw new Error(`${accident}, deaths ${JSON.stringify(deaths)}`, { cause: error });
  } finally {
    await world.close();
  }
};

const aDeath: fc.Arbitrary<Death> = fc.record({
  at: fc.integer({ min: 1, max: 30 }),
  when: fc.constantFrom('before', 'after'),
});

describe.each<Accident>(['the process is killed', 'the node reboots'])('when %s', (accident) => {
  test.each(['before', 'after'] as const)('%s any act of the driver, nothing is lost', async (when) => {
    const acts = await lifetimeWith([], accident);
    expect(acts).toBeGreaterThan(15);
    for (let at = 1; at <= acts; at += 1) await lifetimeWith([{ at, when }], accident);
  });

  test('again and again, nothing is lost', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aDeath, { minLength: 2, maxLength: 5 }), async (deaths) => {
        await lifetimeWith(deaths, accident);
      }),
      { numRuns: 40 },
    );
  });
});
