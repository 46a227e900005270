import { describe, expect, jest, test } from '@jest/globals';
import { aSandbox } from '../support/resources.ts';
import { makeWorld, type World } from './world.ts';

// About a hundred whole lives, in virtual time but on a real processor.
jest.setTimeout(120_000);

const isReady = (world: World, name: string) => (): boolean => world.ready(name)?.status === 'True';

/** Waits as `world.until` does. A dead process is replaced as a Deployment would: after a moment, by one that knows nothing. */
const untilThroughCrashes =
  (world: World, crashed: () => Promise<void>, seconds = 30): World['until'] =>
  async (what, holds) => {
    for (let attempt = 0; attempt < 20; attempt++) {
      try {
        await world.until(what, holds, seconds);
        return;
      } catch (error) {
        if (attempt === 19) throw error;
        await crashed();
      }
    }
  };

/** A whole life: two sandboxes of one user, a stop and a start, an eviction, the end. Throws where it hangs. */
const live = async (world: World, crashed: () => Promise<void>): Promise<void> => {
  const until = untilThroughCrashes(world, crashed);
  world.create(aSandbox('first'));
  world.create(aSandbox('second'));
  await until('one is Ready', () => isReady(world, 'first')() || isReady(world, 'second')());
  const holder = isReady(world, 'first')() ? 'first' : 'second';
  const waiter = holder === 'first' ? 'second' : 'first';
  world.node.write(holder);
  world.want(holder, 'Stopped');
  await until('the other is Ready', isReady(world, waiter));
  world.node.write(waiter);
  world.node.evict(waiter);
  await until('Ready again', () => world.workspace('ann')?.status?.epoch === 3 && isReady(world, waiter)());
  world.api.delete('sandboxes', waiter);
  world.want(holder, 'Running');
  await until('the first is Ready again', isReady(world, holder));
  world.api.delete('sandboxes', holder);
  await until('nothing is left', () => world.api.newest().sandboxes.size === 0 && world.api.newest().pods.size === 0);
};

/** A life that nobody ends: it runs out, is saved, and is forgotten when nobody asks for its record any more. */
const runOut = async (world: World, crashed: () => Promise<void>): Promise<void> => {
  const until = untilThroughCrashes(world, crashed, 150);
  world.create(aSandbox('demo').with({ lifetime: { ttlSeconds: 60, onExpire: 'Stop', retainSeconds: 60 } }));
  await until('Ready', isReady(world, 'demo'));
  world.node.write('demo');
  await until('forgotten', () => world.api.newest().sandboxes.size === 0);
};

/** A life whose node is lost in the middle of it, and comes back. */
const loseNode = async (world: World, crashed: () => Promise<void>): Promise<void> => {
  const until = untilThroughCrashes(world, crashed);
  world.create(aSandbox('demo'));
  await until('Ready', isReady(world, 'demo'));
  world.node.write('demo');
  world.node.silence('node-1');
  const isElsewhere = (): boolean => isReady(world, 'demo')() && world.sandbox('demo')?.status?.node === 'node-2';
  await until('Ready on the other node', isElsewhere);
  world.node.returns('node-1');
  world.node.write('demo');
  world.want('demo', 'Stopped');
  await until('Stopped', () => world.standing('demo')?.reason === 'Stopped');
};

const writesOfALife = async (life = live): Promise<number> => {
  const world = await makeWorld();
  await life(world, () => Promise.reject(new Error('nothing has crashed')));
  await world.stop();
  return world.client().writes.length;
};

describe('a controller that dies right after a write', () => {
  test('any write: the next one finishes the life, one epoch a session, nothing unsaved [F1] [F2]', async () => {
    const total = await writesOfALife();
    expect(total).toBeGreaterThan(30);
    let survived = 0;
    for (let count = 1; count <= total; count++) {
      const world = await makeWorld();
      world.client().dieAfter(count);
      let restarts = 0;
      await live(world, async () => {
        restarts += 1;
        await world.restart();
      });
      await world.run(5);
      await world.stop();
      const { status } = world.workspace('ann') ?? {};
      survived += restarts;
      expect({ count, status }).toMatchObject({
        count,
        status: { epoch: 4, session: { state: 'Closed', dirty: false, epoch: 4 }, head: { epoch: 4 } },
      });
      expect(status).not.toHaveProperty('writer');
    }
    // After the last few there was nothing left to do.
    expect(survived).toBeGreaterThan(total * 0.9);
  });

  test('any write of a life that runs out: it ends in time, is saved, and is forgotten once [A2.3] [T3]', async () => {
    const total = await writesOfALife(runOut);
    expect(total).toBeGreaterThan(10);
    for (let count = 1; count <= total; count++) {
      const world = await makeWorld();
      world.client().dieAfter(count);
      await runOut(world, () => world.restart());
      await world.stop();
      const { status } = world.workspace('ann') ?? {};
      expect({ count, status }).toMatchObject({
        count,
        status: { epoch: 1, session: { state: 'Closed', dirty: false }, head: { epoch: 1 } },
      });
      expect(status).not.toHaveProperty('writer');
      expect(world.api.newest().pods.size).toBe(0);
    }
  });

  test('any write of a life whose node is lost: one pod, one writer, and the newest epoch is saved', async () => {
    const total = await writesOfALife(loseNode);
    expect(total).toBeGreaterThan(15);
    for (let count = 1; count <= total; count++) {
      const world = await makeWorld();
      world.client().dieAfter(count);
      await loseNode(world, () => world.restart());
      await world.run(5);
      await world.stop();
      const { status } = world.workspace('ann') ?? {};
      expect({ count, status }).toMatchObject({
        count,
        status: { epoch: 2, session: { state: 'Closed', dirty: false, epoch: 2 }, head: { epoch: 2 } },
      });
      expect(status).not.toHaveProperty('writer');
      expect(world.api.newest().pods.size).toBe(0);
    }
  });
});
