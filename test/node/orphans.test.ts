import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { KubeError } from '../../src/kube/errors.ts';
import { isOrphan, lookFor, makeOrphanWatch, type OrphanWatch } from '../../src/node/orphans.ts';
import { makeEffects } from './support/effects.ts';
import { NODE } from './support/fake-cluster.ts';
import { asKubelet, makeWorld, type TestDriver, type World } from './support/world.ts';

describe('whether a home is an orphan', () => {
  const pods = [
    { metadata: { name: 'a', uid: 'running' }, status: { phase: 'Running' as const } },
    { metadata: { name: 'b', uid: 'failed' }, status: { phase: 'Failed' as const } },
  ];

  test('is asked of its pod’s uid, not of its name', () => {
    const uids = ['running', 'failed', 'none'];
    expect(uids.map((podUid) => lookFor({ podUid }, pods))).toEqual(['running', 'ended', 'gone']);
  });

  test('depends on its mount: what is mounted is kubelet’s to unmount, for ten minutes', () => {
    expect(isOrphan('running', false, 3_600_000)).toBe(false);
    expect(isOrphan('ended', false, 0)).toBe(true);
    expect(isOrphan('ended', true, 3_600_000)).toBe(false);
    expect(isOrphan('gone', false, 0)).toBe(true);
    expect(isOrphan('gone', true, 599_999)).toBe(false);
    expect(isOrphan('gone', true, 600_000)).toBe(true);
  });
});

describe('the watch over orphans', () => {
  let world: World;
  let driver: TestDriver;
  let watching: AbortController;
  let orphans: OrphanWatch;
  let watch: Promise<void>;

  beforeEach(async () => {
    world = await makeWorld();
    driver = await world.boot();
    await asKubelet(world, driver, driver.publish);
    await world.write('new', '1');
    watching = new AbortController();
  });
  afterEach(async () => {
    watching.abort();
    await watch;
    await world.close();
  });

  const start = (): void => {
    orphans = makeOrphanWatch({
      kube: world.cluster.client(makeEffects()),
      clock: world.clock,
      log: pino({ level: 'silent' }),
      mounts: { isMounted: (target) => Promise.resolve(world.mounted.has(target)) },
      volumes: driver.sessions.all,
      namespace: 'sandboxes',
      node: NODE,
    });
    watch = orphans.run(watching.signal);
  };
  const state = (): string | undefined => world.cluster.session()?.state;

  test('saves the home of a pod that went away while the machine was down', async () => {
    world.reboot();
    world.cluster.set('Pod', 'demo', undefined);
    start();
    await world.until(() => state() === 'Closed');
    expect(world.bucket.files()).toEqual({ new: '1' });
  });

  test('leaves a home alone whose pod exists, mounted or about to be mounted again', async () => {
    world.reboot();
    start();
    await world.clock.advance(3_600_000);
    expect(state()).toBe('Open');
  });

  test('leaves a mounted home to kubelet, and takes it when kubelet has forgotten it', async () => {
    world.cluster.set('Pod', 'demo', undefined);
    start();
    await world.clock.advance(9 * 60_000);
    expect(state()).toBe('Open');
    await world.until(() => state() === 'Closed');
  });

  test('looks at once when it is told to: not even a second passes', async () => {
    start();
    await world.clock.advance(1000);
    world.reboot();
    world.cluster.set('Pod', 'demo', undefined);
    const before = world.clock.monotonic();
    orphans.lookNow();
    await world.until(() => driver.sessions.all().every((session) => session.view().record.released));
    expect(world.clock.monotonic() - before).toBeLessThan(1000);
  });

  test('takes an API server that does not answer for no answer', async () => {
    world.reboot();
    world.cluster.fail(new KubeError('Unreachable', 'connection refused'));
    start();
    await world.clock.advance(3_600_000);
    expect(driver.sessions.all().map((session) => session.view().record.released)).toEqual([false]);
    world.cluster.fail(undefined);
  });
});
