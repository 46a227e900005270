import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { anticipatePods } from '../../src/node/anticipate.ts';
import { makeOrphanWatch } from '../../src/node/orphans.ts';
import type { SessionRecord } from '../../src/node/session-record.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { boundPod } from './support/bound-pod.ts';
import { makeEffects } from './support/effects.ts';
import { NODE } from './support/fake-cluster.ts';
import { asKubelet, makeWorld, SYSTEM, TARGET, type TestDriver, type World } from './support/world.ts';

const KUBELETS_ID = `csi-${createHash('sha256').update('pod-uidhome').digest('hex')}`;
const POD = boundPod('home', 'hot');
const OWNERLESS = { ...POD, metadata: { ...POD.metadata, ownerReferences: [] } };
const unrecorded = { metadata: { name: 'demo', uid: 'sandbox-uid' }, spec: { userId: 'ann' } };
const recorded = { ...unrecorded, status: { podName: 'demo', podUid: 'pod-uid' } };

describe('a pod that is bound to the node', () => {
  let world: World;
  let driver: TestDriver;
  let ending: AbortController;
  let running: Promise<unknown>;

  beforeEach(async () => {
    world = await makeWorld({ old: 'from before' });
    world.cluster.set('Pod', 'demo', undefined);
    driver = await world.boot();
    ending = new AbortController();
    const deps = {
      ...SYSTEM,
      kube: world.cluster.client(makeEffects()),
      clock: world.clock,
      random: makeSeededRandom(1),
      log: pino({ level: 'silent' }),
      sessions: driver.sessions,
      recent: { remember: () => undefined },
      cold: { begin: () => Promise.reject(new Error('there is no cold storage here')) },
      mounts: { isMounted: (target: string) => Promise.resolve(world.mounted.has(target)) },
      volumes: driver.sessions.all,
    };
    const orphans = makeOrphanWatch(deps);
    running = Promise.all([
      orphans.run(ending.signal),
      anticipatePods({ ...deps, onPodGone: orphans.lookNow }, ending.signal),
    ]);
    // The first list is over when the watch is there.
    await world.until(() => world.cluster.watchers() === 1);
  });
  afterEach(async () => {
    ending.abort();
    await running;
    await world.close();
  });

  const record = (): SessionRecord | undefined => driver.sessions.all()[0]?.view().record;

  test('has its home before kubelet asks, and shown to nobody', async () => {
    world.cluster.set('Pod', 'demo', POD);
    await world.until(() => record()?.state === 'Open');
    expect(record()).toMatchObject({ volumeId: KUBELETS_ID, target: TARGET, epoch: 1 });
    expect(world.mounted.size).toBe(0);
    const [session] = driver.sessions.all();
    await asKubelet(world, driver, () => driver.publish(KUBELETS_ID));
    expect(driver.sessions.all()).toEqual([session]);
    expect([...world.mounted.keys()]).toEqual([TARGET]);
  });

  test('whose volume has another id than was expected gets that same home, and it is saved as any other', async () => {
    world.cluster.set('Pod', 'demo', POD);
    await world.until(() => record()?.state === 'Open');
    await asKubelet(world, driver, () => driver.publish('csi-of-another-kubelet'));
    expect(record()?.volumeId).toBe('csi-of-another-kubelet');
    await world.write('new', '1');
    await asKubelet(world, driver, () => driver.unpublish('csi-of-another-kubelet'));
    await world.until(() => world.cluster.session()?.state === 'Closed' && driver.sessions.all().length === 0);
    expect(world.bucket.files()).toEqual({ old: 'from before', new: '1' });
  });

  test('mounts its home once, whoever began it', async () => {
    world.cluster.set('Pod', 'demo', POD);
    await world.until(() => record()?.state === 'Open');
    await asKubelet(world, driver, () => driver.publish(KUBELETS_ID));
    await expect(driver.publish('csi-another')).rejects.toThrow('one volume is enough');
  });

  test('and goes before kubelet asks leaves nothing open', async () => {
    world.cluster.set('Pod', 'demo', POD);
    await world.until(() => record()?.state === 'Open');
    const before = world.clock.monotonic();
    world.cluster.set('Pod', 'demo', undefined);
    await world.until(() => world.cluster.session()?.state === 'Closed');
    // A look every 30 s would find it as well: this is not that look.
    expect(world.clock.monotonic() - before).toBeLessThan(10_000);
    expect(world.bucket.files()).toEqual({ old: 'from before' });
  });

  test('waits for its Sandbox to have recorded it', async () => {
    world.cluster.set('Sandbox', 'demo', unrecorded);
    world.cluster.set('Pod', 'demo', POD);
    await world.clock.advance(100);
    expect(record()).toBeUndefined();
    world.cluster.set('Sandbox', 'demo', recorded);
    await world.until(() => record()?.state === 'Open');
  });

  test.each([
    ['no Sandbox’s', OWNERLESS],
    ['on its way out', { ...POD, metadata: { ...POD.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }],
    ['without a home', { ...POD, spec: { nodeName: NODE, volumes: [{ name: 'home', emptyDir: {} }] } }],
  ])('and is %s gets nothing', async (_what, pod) => {
    world.cluster.set('Pod', 'demo', pod);
    await world.clock.advance(2000);
    expect(driver.sessions.all()).toEqual([]);
  });
});
