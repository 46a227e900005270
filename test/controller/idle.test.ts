import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import { ANNOTATION_LAST_ACTIVITY, ANNOTATION_LAST_HEARTBEAT, ANNOTATION_NEW_RUN } from '../../src/api/names.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { aSandbox } from '../support/resources.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.stop());

const LIFETIME: Sandbox['spec']['lifetime'] = { ttlSeconds: 7_200, onExpire: 'Suspend', retainSeconds: 86_400 };
const status = () => world.sandbox('demo')?.status;
const isReady = (): boolean => world.ready('demo')?.status === 'True';
const says = (reason: string) => (): boolean => world.standing('demo')?.reason === reason;
const start = async (lifetime: Partial<Sandbox['spec']['lifetime']>): Promise<void> => {
  world.create(aSandbox('demo').with({ lifetime: { ...LIFETIME, ...lifetime } }));
  await world.until('Ready', isReady);
};
const sign = (annotation: string, at = world.now()): void =>
  world.annotate('demo', { [annotation]: new Date(at).toISOString() });
const use = (at?: number): void => sign(ANNOTATION_LAST_ACTIVITY, at);
const beat = (at?: number): void => sign(ANNOTATION_LAST_HEARTBEAT, at);

/** The same for either limit: what is asked for, the sign that is missed, the reason. */
const limits = [
  ['idleSeconds', use, 'Idle'],
  ['heartbeatSeconds', beat, 'HeartbeatMissed'],
] as const;

describe.each(limits)('%s', (limit, give, reason) => {
  test('that nothing is heard of ends the sandbox to the second, counted from Ready, and saves its home', async () => {
    await start({ [limit]: 600 });
    world.node.write('demo');
    await world.run((Date.parse(status()?.run?.readyAt ?? '') - world.now()) / 1000 + 599);
    expect(isReady()).toBe(true);
    await world.run(1);
    expect(isReady()).toBe(false);
    await world.until(reason, says(reason), 60);
    expect(status()).toMatchObject({ phase: 'Suspended', stopReason: 'expired', run: { ended: { by: reason } } });
    expect(findCondition(status()?.conditions, 'WorkspaceSaved')).toMatchObject({ status: 'True', reason: 'Saved' });
    expect(world.api.newest().pods.size).toBe(0);
    expect(world.events).toContain(`demo: ${reason}`);
  });

  test('is counted anew from each sign, however many there are', async () => {
    await start({ [limit]: 600 });
    for (let round = 0; round < 4; round++) {
      await world.run(590);
      give();
    }
    await world.run(590);
    expect(isReady()).toBe(true);
    await world.until(reason, says(reason), 60);
  });

  test('is longer or shorter as soon as the spec says so, and counts from there', async () => {
    await start({ [limit]: 600 });
    await world.run(500);
    world.lifetime('demo', { [limit]: 900 });
    await world.run(890);
    expect(isReady()).toBe(true);
    world.lifetime('demo', { [limit]: 60 });
    await world.run(55);
    expect(isReady()).toBe(true);
    await world.until(reason, says(reason), 60);
  });

  test('that is over costs nothing: no write in an hour', async () => {
    await start({ [limit]: 60 });
    await world.until(reason, says(reason), 120);
    await world.run(5);
    const before = world.api.history.length;
    await world.run(3_600);
    expect(world.api.history.length).toBe(before);
  });

  test('that is over stays so, whatever is heard or changed later, until a new run', async () => {
    await start({ [limit]: 60 });
    await world.until(reason, says(reason), 120);
    const before = status();
    use();
    beat();
    await world.run(30);
    expect(status()).toEqual(before);
    world.lifetime('demo', { [limit]: 3_600, ttlSeconds: 86_400 });
    await world.run(30);
    expect(says(reason)()).toBe(true);
    world.annotate('demo', { [ANNOTATION_NEW_RUN]: 'resume 1' });
    await world.until('Ready', isReady);
    expect(status()?.run).not.toHaveProperty('ended');
  });

  test('is found to be over by a controller that comes back late', async () => {
    await start({ [limit]: 600 });
    await world.restart(3_600);
    await world.until(reason, says(reason), 60);
  });

  test('begins anew for a sandbox that is Ready again with another pod, and does not end one that is not', async () => {
    await start({ [limit]: 300 });
    await world.run(200);
    world.node.bucket.reachable = false;
    world.node.evict('demo');
    await world.run(600);
    expect(world.standing('demo')?.reason).toBe('StorageUnreachable');
    world.node.bucket.reachable = true;
    await world.until('Ready again', isReady);
    await world.run(290);
    expect(isReady()).toBe(true);
    await world.until(reason, says(reason), 60);
  });
});

test('a heartbeat counts as use, and use is no heartbeat', async () => {
  await start({ idleSeconds: 300 });
  await world.run(290);
  beat();
  await world.run(290);
  expect(isReady()).toBe(true);
  world.lifetime('demo', { idleSeconds: 3_600, heartbeatSeconds: 60 });
  use();
  await world.run(55);
  use();
  await world.until('HeartbeatMissed', says('HeartbeatMissed'), 60);
});

test('the limit that is reached first ends the sandbox, and ttlSeconds is one of them', async () => {
  await start({ idleSeconds: 600, ttlSeconds: 300 });
  await world.until('Expired', says('Expired'), 400);
  expect(status()?.run).not.toHaveProperty('ended');
});

test('a clock of a facade that is an hour ahead keeps a sandbox for no longer than that', async () => {
  await start({ idleSeconds: 60 });
  use(world.now() + 3_600_000);
  await world.run(3_600);
  expect(isReady()).toBe(true);
  await world.until('Idle', says('Idle'), 120);
});

test('what cannot be read is no sign', async () => {
  await start({ idleSeconds: 60 });
  world.annotate('demo', { [ANNOTATION_LAST_ACTIVITY]: 'just now' });
  await world.until('Idle', says('Idle'), 120);
});

test('a sandbox without these limits ends for want of nothing', async () => {
  await start({});
  await world.run(7_000);
  expect(isReady()).toBe(true);
});
