import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import { ANNOTATION_LAST_HEARTBEAT, ANNOTATION_NEW_RUN } from '../../src/api/names.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { aSandbox } from '../support/resources.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.stop());

const LIFETIME: Sandbox['spec']['lifetime'] = { ttlSeconds: 300, onExpire: 'Stop', retainSeconds: 86_400 };
const status = () => world.sandbox('demo')?.status;
const isReady = (): boolean => world.ready('demo')?.status === 'True';
const says = (reason: string) => (): boolean => world.standing('demo')?.reason === reason;
const isGone = (): boolean => world.sandbox('demo') === undefined;
const secondsUntil = (time: string | undefined): number => Math.ceil((Date.parse(time ?? '') - world.now()) / 1000);
const start = async (lifetime: Partial<Sandbox['spec']['lifetime']> = {}): Promise<void> => {
  world.create(aSandbox('demo').with({ lifetime: { ...LIFETIME, ...lifetime } }));
  await world.until('Ready', isReady);
};
const expire = async (): Promise<void> => {
  await world.run(secondsUntil(status()?.expiresAt));
  await world.until('Expired', says('Expired'), 60);
};

describe('a lifetime', () => {
  test('ends the sandbox to the second, saves its home, and leaves the spec to the user [A2.1] [A2.2] [A2.3] [T3]', async () => {
    await start();
    const { run, expiresAt } = status() ?? {};
    expect(Date.parse(expiresAt ?? '') - Date.parse(run?.readyAt ?? '')).toBe(300_000);
    world.node.write('demo');
    const { spec } = world.sandbox('demo') ?? {};
    await world.run(secondsUntil(expiresAt) - 1);
    expect(isReady()).toBe(true);
    await world.run(1);
    expect(isReady()).toBe(false);
    await world.until('Expired', says('Expired'), 60);
    expect(world.sandbox('demo')?.spec).toEqual(spec);
    expect(status()).toMatchObject({ phase: 'Stopped', stopReason: 'expired', expiresAt, run });
    expect(status()?.stoppedAt).toBeDefined();
    expect(status()?.conditions?.map(({ type }) => type)).toEqual(['Stopped', 'WorkspaceRestored', 'WorkspaceSaved']);
    expect(findCondition(status()?.conditions, 'WorkspaceSaved')).toMatchObject({ status: 'True', reason: 'Saved' });
    expect(world.api.newest().pods.size).toBe(0);
    expect(world.workspace('ann')?.status).not.toHaveProperty('writer');
    expect(world.events).toContain('demo: Expired');
  });

  test('that is over costs nothing: no write in an hour', async () => {
    await start();
    await expire();
    await world.run(5);
    const before = world.api.history.length;
    await world.run(3_600);
    expect(world.api.history.length).toBe(before);
  });

  test('gives the workspace to the next sandbox of the user', async () => {
    await start();
    world.create(aSandbox('next'));
    await expire();
    await world.until('the next is Ready', () => world.ready('next')?.status === 'True');
  });

  test('does not begin anew with a pod that replaces another', async () => {
    await start();
    const { expiresAt, podUid } = status() ?? {};
    await world.run(120);
    world.node.evict('demo');
    await world.until('Ready again', () => isReady() && status()?.podUid !== podUid);
    expect(status()?.expiresAt).toBe(expiresAt);
    await world.run(secondsUntil(expiresAt));
    expect(isReady()).toBe(false);
  });

  test('that is over while the controller is away ends the sandbox when that is back [A2.3] [T3]', async () => {
    await start();
    world.node.write('demo');
    await world.restart(3_600);
    await world.until('Expired', says('Expired'), 60);
    expect(findCondition(status()?.conditions, 'WorkspaceSaved')?.status).toBe('True');
  });

  test('that was prolonged while the controller was away goes on', async () => {
    await start();
    const { podUid } = status() ?? {};
    world.lifetime('demo', { ttlSeconds: 7_200 });
    await world.restart(3_600);
    await world.run(60);
    expect(isReady()).toBe(true);
    expect(status()?.podUid).toBe(podUid);
  });

  test('is longer or shorter as soon as ttlSeconds says so', async () => {
    await start();
    const readyAt = Date.parse(status()?.run?.readyAt ?? '');
    world.lifetime('demo', { ttlSeconds: 900 });
    await world.run(1);
    expect(Date.parse(status()?.expiresAt ?? '')).toBe(readyAt + 900_000);
    await world.run(600);
    expect(isReady()).toBe(true);
    world.lifetime('demo', { ttlSeconds: 60 });
    await world.run(1);
    expect(isReady()).toBe(false);
    await world.until('Expired', says('Expired'), 60);
  });

  test('that is raised past now brings an expired sandbox back, in the same run', async () => {
    await start();
    await expire();
    const { run } = status() ?? {};
    world.lifetime('demo', { ttlSeconds: 301 });
    await world.run(5);
    expect(says('Expired')()).toBe(true);
    world.lifetime('demo', { ttlSeconds: 7_200 });
    await world.until('Ready', isReady);
    expect(status()?.run).toEqual(run);
    expect(status()).not.toHaveProperty('stopReason');
    expect(status()).not.toHaveProperty('stoppedAt');
    expect(Date.parse(status()?.expiresAt ?? '')).toBe(Date.parse(run?.readyAt ?? '') + 7_200_000);
  });

  test('begins anew after a stop and a start', async () => {
    await start();
    await expire();
    const { run } = status() ?? {};
    world.want('demo', 'Stopped');
    await world.until('Stopped', says('Stopped'));
    expect(status()).not.toHaveProperty('expiresAt');
    world.want('demo', 'Running');
    await world.until('Ready', isReady);
    expect(Date.parse(status()?.run?.readyAt ?? '')).toBeGreaterThan(Date.parse(run?.readyAt ?? ''));
    expect(secondsUntil(status()?.expiresAt)).toBeGreaterThan(290);
  });

  test('begins anew when a new run is asked for, once, and only after the end', async () => {
    await start({ onExpire: 'Suspend' });
    world.annotate('demo', { [ANNOTATION_NEW_RUN]: 'too early' });
    await expire();
    await world.run(30);
    expect(status()).toMatchObject({ phase: 'Suspended', stopReason: 'expired' });
    world.annotate('demo', { [ANNOTATION_NEW_RUN]: 'resume 1' });
    await world.until('Ready', isReady);
    expect(secondsUntil(status()?.expiresAt)).toBeGreaterThan(290);
    await expire();
    await world.run(30);
    expect(says('Expired')()).toBe(true);
  });

  test('that is over while the bucket is away is saved first', async () => {
    await start();
    world.node.bucket.reachable = false;
    world.node.write('demo');
    await world.run(secondsUntil(status()?.expiresAt) + 60);
    expect(world.standing('demo')?.reason).toBe('StorageUnreachable');
    expect(status()).toMatchObject({ phase: 'Saving', stopReason: 'expired' });
    world.node.bucket.reachable = true;
    await world.until('Expired', says('Expired'));
    expect(findCondition(status()?.conditions, 'WorkspaceSaved')?.status).toBe('True');
  });
});

describe('a finished sandbox', () => {
  const retained = async (): Promise<void> => {
    await world.run(secondsUntil(status()?.stoppedAt) + 599);
    expect(isGone()).toBe(false);
    await world.run(2);
    expect(isGone()).toBe(true);
    expect(world.workspace('ann')).toBeDefined();
    expect(world.events).toContain('demo: RetentionOver');
  };

  test('that was stopped is listed for as long as was asked, and then deleted [A2.3]', async () => {
    await start({ retainSeconds: 600 });
    world.want('demo', 'Stopped');
    await world.until('Stopped', says('Stopped'));
    await retained();
  });

  test('that has expired too [A2.3]', async () => {
    await start({ retainSeconds: 600 });
    await expire();
    await retained();
  });

  test('is deleted late rather than never when the controller was away', async () => {
    await start({ retainSeconds: 600 });
    world.want('demo', 'Stopped');
    await world.until('Stopped', says('Stopped'));
    await world.restart(3_600);
    await world.until('gone', isGone, 10);
  });

  test.each(['suspended', 'expired into suspension'])('%s stays', async (how) => {
    await start({ retainSeconds: 0, onExpire: 'Suspend' });
    if (how === 'suspended') world.want('demo', 'Suspended');
    else await expire();
    await world.until('at rest', () => says('Suspended')() || says('Expired')());
    await world.run(3_600);
    expect(isGone()).toBe(false);
  });

  test('that could not save stays, however long ago it ended', async () => {
    await start({ retainSeconds: 0 });
    world.node.write('demo');
    world.node.bucket.reachable = false;
    world.want('demo', 'Stopped');
    await world.run(3_600);
    expect(isGone()).toBe(false);
    world.node.bucket.reachable = true;
    await world.until('gone', isGone);
    expect(world.workspace('ann')?.status?.session).toMatchObject({ state: 'Closed', dirty: false });
  });

  test('whose files went to conflicts/ stays: somebody has to look at it', async () => {
    await start({ retainSeconds: 0 });
    world.node.fence('demo');
    world.want('demo', 'Stopped');
    await world.until('Stopped', says('Stopped'));
    await world.run(3_600);
    expect(isGone()).toBe(false);
    expect(findCondition(status()?.conditions, 'WorkspaceSaved')).toMatchObject({ status: 'False', reason: 'Fenced' });
  });

  test('that is started again just then goes on', async () => {
    await start({ retainSeconds: 600 });
    world.want('demo', 'Stopped');
    await world.until('Stopped', says('Stopped'));
    await world.run(secondsUntil(status()?.stoppedAt) + 599);
    world.want('demo', 'Running');
    await world.until('Ready', isReady);
    await world.run(200);
    expect(isReady()).toBe(true);
  });
});

describe('a heartbeat', () => {
  const heartbeat = (at = world.now()): string => {
    world.annotate('demo', { [ANNOTATION_LAST_HEARTBEAT]: new Date(at).toISOString() });
    return new Date(Math.floor(at / 1000) * 1000).toISOString().replace('.000Z', 'Z');
  };

  test('is recorded while the sandbox runs', async () => {
    await start();
    expect(status()).not.toHaveProperty('lastHeartbeatTime');
    const first = heartbeat();
    await world.run(1);
    expect(status()?.lastHeartbeatTime).toBe(first);
    await world.run(30);
    const second = heartbeat();
    await world.run(1);
    expect(status()?.lastHeartbeatTime).toBe(second);
  });

  test.each(['Stopped', 'Expired'])(
    'that comes late neither revives nor relabels a sandbox that is %s [T4]',
    async (end) => {
      await start();
      const last = heartbeat();
      await world.run(1);
      if (end === 'Stopped') world.want('demo', 'Stopped');
      else await expire();
      await world.until('at rest', says(end));
      const before = status();
      heartbeat();
      await world.run(60);
      expect(status()).toEqual(before);
      expect(status()?.lastHeartbeatTime).toBe(last);
    },
  );

  test('of an earlier run is none of the next one [T4]', async () => {
    await start();
    heartbeat();
    await world.run(1);
    world.want('demo', 'Stopped');
    await world.until('Stopped', says('Stopped'));
    world.want('demo', 'Running');
    await world.until('Ready', isReady);
    expect(status()).not.toHaveProperty('lastHeartbeatTime');
    const next = heartbeat();
    await world.run(1);
    expect(status()?.lastHeartbeatTime).toBe(next);
  });

  test('from a time that cannot be changes nothing', async () => {
    await start();
    for (const text of ['soon', '', '2020-01-01T00:00:00Z', '2099-01-01T00:00:00Z']) {
      world.annotate('demo', { [ANNOTATION_LAST_HEARTBEAT]: text });
      await world.run(1);
      expect(status()).not.toHaveProperty('lastHeartbeatTime');
    }
  });
});
