import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { WorkspaceStatus } from '../../src/api/workspace.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { StoreError } from '../../src/workspace/object-store.ts';
import { unreachable } from './support/fake-bucket.ts';
import { asKubelet, homeOf, makeWorld, VOLUME, watchCall, type TestDriver, type World } from './support/world.ts';

describe('a session', () => {
  let world: World;
  let driver: TestDriver;

  beforeEach(async () => {
    world = await makeWorld({ old: 'from before' });
    driver = await world.boot();
  });
  afterEach(() => world.close());

  const publish = (): Promise<void> => asKubelet(world, driver, driver.publish);
  const unpublish = (): Promise<void> => asKubelet(world, driver, driver.unpublish);
  const isGone = async (): Promise<boolean> => (await world.homes()).length === 0;

  test('restores, commits what changes, makes the final commit and leaves nothing on the node', async () => {
    await publish();
    expect(await readFile(path.join(homeOf(world), 'old'), 'utf8')).toBe('from before');
    await world.write('new', '1');
    await world.until(() => world.bucket.files()['new'] === '1');
    await world.write('last', '2');
    await unpublish();
    expect(world.bucket.files()).toEqual({ old: 'from before', new: '1', last: '2' });
    await world.until(isGone);
    expect(world.cluster.states()).toEqual(['Restoring', 'Open', 'Saving', 'Closed']);
    expect(world.cluster.status().head).toMatchObject({ epoch: 1, files: 3 });
    expect(world.mounted.size).toBe(0);
    await world.until(() => driver.sessions.all().length === 0);
  });

  test('of an idle home writes nothing to the API', async () => {
    await publish();
    await world.until(() => world.cluster.session()?.state === 'Open');
    await world.until(() => driver.sessions.find(VOLUME)?.view().head !== undefined);
    const before = world.cluster.statusWrites();
    await world.clock.advance(10 * 60_000);
    expect(world.cluster.statusWrites()).toBe(before);
    expect(world.bucket.commits()).toBe(0);
  });

  test('answers kubelet with the reason while S3 is away, and mounts by itself once it is back', async () => {
    world.bucket.fail(unreachable());
    driver.publish().catch(() => undefined);
    await world.until(() => world.cluster.session()?.reason === 'StorageUnreachable');
    const again = watchCall(driver.publish());
    await world.until(() => again.error() !== undefined);
    expect(again.error()).toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('StorageUnreachable: s3://bucket cannot be reached'),
    });
    expect(world.mounted.size).toBe(0);
    world.bucket.fail(undefined);
    await publish();
    expect(world.cluster.session()).toMatchObject({ state: 'Open' });
    expect(world.cluster.session()?.reason).toBeUndefined();
  });

  test.each([
    ['BucketNotFound', 'BucketNotFound'],
    ['Forbidden', 'StorageForbidden'],
    ['Ambiguous', 'StorageUnreachable'],
  ] as const)('shows S3’s %s as %s', async (stored, shown) => {
    world.bucket.fail(new StoreError(stored, 's3:GetObject', 'no'));
    driver.publish().catch(() => undefined);
    await world.until(() => world.cluster.session()?.reason === shown);
  });

  test('keeps the home when S3 is away at the end, lets the pod go, and saves it once S3 is back', async () => {
    await publish();
    await world.write('new', 'unsaved');
    world.bucket.fail(unreachable());
    await unpublish();
    expect(world.mounted.size).toBe(0);
    await world.until(() => world.cluster.session()?.reason === 'StorageUnreachable');
    expect(world.cluster.session()).toMatchObject({ state: 'Saving', dirty: true });
    expect(await world.homes()).toEqual(['ann']);
    world.bucket.fail(undefined);
    await world.until(isGone);
    expect(world.bucket.files()).toMatchObject({ new: 'unsaved' });
    expect(world.cluster.session()).toMatchObject({ state: 'Closed', dirty: false });
  });

  test('says that the home is dirty while commits fail, and that it is clean after one has gone through', async () => {
    await publish();
    world.bucket.fail(unreachable());
    await world.write('new', '1');
    await world.until(() => world.cluster.session()?.dirty === true);
    expect(world.cluster.session()).toMatchObject({ state: 'Open', reason: 'StorageUnreachable' });
    world.bucket.fail(undefined);
    await world.until(() => world.cluster.session()?.dirty === false);
    expect(world.cluster.session()?.reason).toBeUndefined();
  });

  test.each(['a start', 'an end'])(
    'whose storage swallows its requests says so at %s, long before a request gives up',
    async (when) => {
      const starts = when === 'a start';
      if (!starts) {
        await publish();
        await world.write('new', '1');
      }
      const answer = world.bucket.swallow();
      const call = watchCall(starts ? driver.publish() : driver.unpublish());
      await world.until(() => world.cluster.session()?.state === (starts ? 'Restoring' : 'Saving'));
      await world.clock.advance(15_000);
      expect(world.cluster.session()).toMatchObject({ reason: 'StorageUnreachable', dirty: !starts });
      answer();
      await world.until(() => call.state() === 'done');
      await world.until(() => world.cluster.session()?.reason === undefined);
    },
  );

  test('does not flood the API while S3 is away', async () => {
    await publish();
    world.bucket.fail(unreachable());
    await world.write('new', '1');
    await world.until(() => world.cluster.session()?.dirty === true);
    const before = world.cluster.statusWrites();
    await world.clock.advance(10 * 60_000);
    expect(world.cluster.statusWrites() - before).toBeLessThanOrEqual(40);
  });

  test('reports Closed as soon as the API server is back, and only then forgets the home', async () => {
    await publish();
    await world.write('new', '1');
    await world.until(() => world.bucket.files()['new'] === '1');
    world.cluster.fail(new KubeError('Unreachable', 'connection refused'));
    await unpublish();
    await world.clock.advance(60_000);
    expect(await world.homes()).toEqual(['ann']);
    world.cluster.fail(undefined);
    await world.until(isGone);
    expect(world.cluster.session()?.state).toBe('Closed');
  });

  test('that is cut by the pod’s end before the home was complete closes without having held anything', async () => {
    world.bucket.fail(unreachable());
    driver.publish().catch(() => undefined);
    await world.until(() => driver.sessions.find(VOLUME) !== undefined);
    await unpublish();
    await world.until(isGone);
    expect(world.cluster.states().at(-1)).toBe('Closed');
    expect(world.bucket.files()).toEqual({ old: 'from before' });
  });

  test('that is fenced while it is open stores the home below conflicts/, twice: now, and as the containers left it', async () => {
    await publish();
    await world.write('new', '1');
    world.bucket.fence(2);
    await world.until(() => world.cluster.session()?.state === 'Conflict');
    expect(world.cluster.session()).toMatchObject({
      reason: 'Fenced',
      message: expect.stringContaining('conflicts/1-1'),
    });
    expect(world.mounted.size).toBe(1);
    await world.write('later', '2');
    await unpublish();
    await world.until(isGone);
    expect(world.bucket.conflicts().at(-1)).toEqual({ old: 'from before', new: '1', later: '2' });
    expect(world.bucket.files()).toEqual({ old: 'from before' });
  });

  test('whose containers end while a conflict is being stored stores what they wrote meanwhile, too', async () => {
    await publish();
    await world.write('new', '1');
    const store = world.bucket.holdConflicts();
    world.bucket.fence(2);
    await world.until(() => world.bucket.conflictsRead() === 1);
    await world.write('later', '2');
    const ended = watchCall(driver.unpublish());
    await world.until(() => driver.sessions.find(VOLUME)?.view().record.released === true);
    store();
    await world.until(() => ended.state() === 'done');
    await world.until(isGone);
    expect(world.bucket.conflicts().at(-1)).toEqual({ old: 'from before', new: '1', later: '2' });
  });

  test('that finds a newer HEAD before it begins says so, with the epoch that the next one has to exceed', async () => {
    world.bucket.fence(41);
    driver.publish().catch(() => undefined);
    await world.until(() => world.cluster.session()?.state === 'Conflict');
    await world.until(isGone);
    await expect(driver.publish()).rejects.toMatchObject({ message: expect.stringContaining('SessionOver') });
    expect(world.cluster.status().head).toMatchObject({ epoch: 41 });
    expect(world.cluster.session()).toMatchObject({ state: 'Conflict', reason: 'Fenced' });
  });

  test('whose engine has lost its state keeps the files: they go below conflicts/', async () => {
    await publish();
    await world.write('new', '1');
    await rm(path.join(homeOf(world), '..', 'state', 'restored'));
    await world.until(() => world.cluster.session()?.state === 'Conflict');
    expect(world.bucket.conflicts()[0]).toMatchObject({ new: '1' });
  });

  describe('whose epoch was given up while its node was away', () => {
    const lost = { epoch: 1, node: 'node-1', since: '2026-01-01T00:00:00Z' };
    const next = { sandbox: 'next', uid: 'next-uid', epoch: 2, acquiredAt: '2026-01-01T00:00:00Z' };

    test('goes on saving; where nobody has gone on since, all of it is in HEAD, and the Workspace says so', async () => {
      await publish();
      world.cluster.setWriter(undefined);
      world.cluster.setConflicts([lost]);
      await world.write('new', '1');
      await unpublish();
      await world.until(isGone);
      expect(world.bucket.files()).toMatchObject({ new: '1' });
      expect(world.cluster.status()).toMatchObject({ session: { state: 'Closed', dirty: false }, conflicts: [] });
    });

    test('and is another’s by now, keeps its files below conflicts/, and the Workspace says where; the other’s session stays', async () => {
      await publish();
      world.cluster.setWriter(next);
      world.cluster.setConflicts([lost]);
      const session = { ...world.cluster.session(), epoch: 2, node: 'node-2' } as NonNullable<
        WorkspaceStatus['session']
      >;
      world.cluster.setSession(session);
      world.bucket.fence(2);
      await world.write('new', '1');
      await unpublish();
      await world.until(isGone);
      expect(world.bucket.conflicts().at(-1)).toMatchObject({ new: '1' });
      const { conflicts = [] } = world.cluster.status();
      expect(conflicts.every(({ epoch, manifest }) => epoch === 1 && manifest !== undefined)).toBe(true);
      expect(conflicts.at(-1)?.manifest).toContain('conflicts/1-');
      expect(world.cluster.session()).toEqual(session);
    });

    test('tells of the kept files once the API server answers again, also from the next driver', async () => {
      await publish();
      world.cluster.setWriter(next);
      world.bucket.fence(2);
      await world.write('new', '1');
      await world.until(() => driver.sessions.find(VOLUME)?.view().record.kept !== undefined);
      world.cluster.fail(new KubeError('Unreachable', 'no route'));
      world.cluster.setConflicts([]);
      await driver.sessions.stop(world.clock, 0);
      world.cluster.fail(undefined);
      driver = await world.boot();
      await world.until(() => (world.cluster.status().conflicts ?? []).length > 0);
      expect(world.cluster.status().conflicts?.[0]).toMatchObject({ epoch: 1, node: 'node-1' });
    });
  });

  test('is joined by kubelet’s repeated call, which mounts again what is not mounted and restores nothing', async () => {
    await publish();
    await world.write('old', 'changed');
    world.mounted.clear();
    await publish();
    expect(world.mounted.size).toBe(1);
    expect(await readFile(path.join(homeOf(world), 'old'), 'utf8')).toBe('changed');
  });

  test('whose machine went down before its files had reached the disk is restored anew before it is mounted again', async () => {
    world.bucket.slowDisk();
    await publish();
    await world.write('old', 'half wri');
    driver.effects.kill();
    await driver.effects.settled();
    world.reboot();
    world.bucket.fail(unreachable());
    driver = await world.boot();
    const early = watchCall(driver.publish());
    await world.until(() => early.state() !== 'pending');
    expect(early.state()).toBe('failed');
    expect(world.mounted.size).toBe(0);
    world.bucket.fail(undefined);
    await publish();
    expect(await readFile(path.join(homeOf(world), 'old'), 'utf8')).toBe('from before');
    expect(world.bucket.conflicts()).toContainEqual({ old: 'half wri' });
  });

  test('refuses to be opened again once it is being saved', async () => {
    await publish();
    await world.write('new', '1');
    world.bucket.fail(unreachable());
    await unpublish();
    await expect(driver.publish()).rejects.toMatchObject({ code: 'FailedPrecondition' });
  });

  test('makes one last commit when the driver stops, and leaves the mount', async () => {
    await publish();
    await world.write('new', '1');
    const stopped = driver.sessions.stop(world.clock, 20_000);
    await stopped;
    expect(world.bucket.files()).toMatchObject({ new: '1' });
    expect(world.mounted.size).toBe(1);
    expect(world.cluster.session()?.state).toBe('Open');
  });

  test('does not keep the driver from stopping when S3 does not answer', async () => {
    await publish();
    await world.write('new', '1');
    world.bucket.fail(unreachable());
    await driver.sessions.stop(world.clock, 20_000);
    expect(await world.homes()).toEqual(['ann']);
    world.bucket.fail(undefined);
    driver = await world.boot();
    await world.until(() => world.bucket.files()['new'] === '1');
  });
});

test('a volume that nobody knows is unmounted', async () => {
  const world = await makeWorld();
  const driver = await world.boot();
  await driver.unpublish();
  expect(driver.effects.names()).toEqual(['mounts.unbind']);
  await world.close();
});
