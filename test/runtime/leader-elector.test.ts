import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Clock } from '../../src/base/clock.ts';
import { type LeaderElector, makeLeaderElector } from '../../src/runtime/leader-elector.ts';
import { leaderPart } from '../../src/runtime/parts.ts';
import { type LeaseClient, type LeaseServer, makeLeaseServer } from '../support/lease-server.ts';
import { makeRecordingLog } from '../support/recording-log.ts';
import { makeRecordingMetrics } from '../support/recording-metrics.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

const HOUR = 3_600_000;

interface Candidate extends LeaseClient {
  readonly elector: LeaderElector;
  readonly lost: string[];
  readonly stop: AbortController;
  /** Virtual milliseconds at which it began to lead. */
  readonly ledAt: () => number | undefined;
}

let clock: VirtualClock;
let server: LeaseServer;

beforeEach(() => {
  clock = makeVirtualClock();
  server = makeLeaseServer();
});

const enter = (identity: string, skewMs = 0): Candidate => {
  const connection = server.connect();
  const lost: string[] = [];
  const skewed: Clock = { ...clock, now: () => clock.now() + skewMs };
  const elector = makeLeaderElector({
    client: connection.client,
    namespace: 'system',
    name: 'controller',
    identity,
    onLost: (reason) => lost.push(reason),
    clock: skewed,
    random: makeSeededRandom(identity.length),
    log: makeRecordingLog(),
    metrics: makeRecordingMetrics(),
  });
  const stop = new AbortController();
  let ledAt: number | undefined;
  elector.acquire(stop.signal).then(
    () => (ledAt = clock.monotonic()),
    () => undefined,
  );
  return { ...connection, elector, lost, stop, ledAt: () => ledAt };
};

const holder = (): string | undefined => server.lease()?.spec?.holderIdentity;

const leaveAll = async (...candidates: readonly Candidate[]): Promise<void> => {
  for (const { stop, elector } of candidates) {
    stop.abort();
    await elector.release();
  }
  await clock.advance(0);
  expect(clock.sleepers()).toBe(0);
};

describe('leader election', () => {
  it('takes a free lease at once and keeps it by renewing', async () => {
    const a = enter('a');
    expect(a.elector.mayWrite()).toBe(false);
    await clock.advance(0);
    expect([a.elector.isLeader(), a.elector.mayWrite()]).toEqual([true, true]);
    expect(server.lease()?.spec).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
    await clock.advance(60_000);
    expect(server.lease()?.spec).toMatchObject({
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:01:00.000000Z',
    });
    await leaveAll(a);
    expect(holder()).toBe('');
  });

  it('hands over within seconds when the leader stops in order', async () => {
    const [a, b] = [enter('a'), enter('b')];
    await clock.advance(10_000);
    expect(holder()).toBe('a');
    await leaderPart(a.elector).stop();
    await clock.advance(3000);
    expect(holder()).toBe('b');
    expect(a.elector.isLeader()).toBe(false);
    // What it has still to tell while it ends.
    expect(a.elector.mayWrite()).toBe(true);
    expect(a.lost).toEqual([]);
    expect(server.lease()?.spec?.leaseTransitions).toBe(1);
    await leaveAll(a, b);
  });

  it('waits for fifteen seconds of silence after a leader was killed', async () => {
    const a = enter('a');
    await clock.advance(0);
    a.cut('requests');
    const b = enter('b');
    await clock.advance(14_900);
    expect(b.ledAt()).toBeUndefined();
    await clock.advance(3000);
    expect(b.elector.isLeader()).toBe(true);
    await leaveAll(a, b);
  });

  it.each(['requests', 'answers'] as const)('never has two leaders while the leader’s %s are lost', async (what) => {
    const [a, b] = [enter('a'), enter('b')];
    await clock.advance(7000);
    a.cut(what);
    for (let step = 0; step < 400; step++) {
      await clock.advance(100);
      expect([a.elector.isLeader(), b.elector.isLeader()]).not.toEqual([true, true]);
    }
    if (what === 'requests') {
      expect(a.lost).toEqual(['not renewed for 10 s: partition']);
      expect(b.elector.isLeader()).toBe(true);
    }
    await leaveAll(a, b);
  });

  it.each([HOUR, -HOUR])(
    'judges a lease by its own stop-watch: a clock that is %i ms off changes nothing',
    async (skew) => {
      const a = enter('a');
      await clock.advance(0);
      const b = enter('b', skew);
      await clock.advance(120_000);
      expect(b.ledAt()).toBeUndefined();
      a.cut('requests');
      await clock.advance(14_000);
      expect(b.ledAt()).toBeUndefined();
      await clock.advance(6000);
      expect(b.elector.isLeader()).toBe(true);
      await leaveAll(a, b);
    },
  );

  it('knows after a stall of the event loop that it no longer leads, before it asks anyone [F15] [F23]', async () => {
    let stalledMs = 0;
    const stalling: Clock = { ...clock, monotonic: () => clock.monotonic() + stalledMs };
    const lost: string[] = [];
    const { client } = server.connect();
    const elector = makeLeaderElector({
      client,
      namespace: 'system',
      name: 'controller',
      identity: 'a',
      onLost: (reason) => lost.push(reason),
      clock: stalling,
      random: makeSeededRandom(1),
      log: makeRecordingLog(),
    });
    const acquired = elector.acquire(new AbortController().signal);
    await clock.advance(0);
    await acquired;
    const version = server.lease()?.metadata.resourceVersion;
    stalledMs = 12_000;
    expect(elector.isLeader()).toBe(false);
    await clock.advance(2000);
    expect(lost).toEqual(['not renewed for 10 s: the process was stalled']);
    expect(server.lease()?.metadata.resourceVersion).toBe(version);
    await elector.release();
    expect(clock.sleepers()).toBe(0);
  });

  it('is lost when somebody takes the lease while it is held [F15]', async () => {
    const a = enter('a');
    await clock.advance(1000);
    const stolen = server.lease();
    server.put({
      ...stolen,
      metadata: stolen?.metadata ?? { name: 'x' },
      spec: { ...stolen?.spec, holderIdentity: 'thief' },
    });
    await clock.advance(2000);
    expect(a.lost).toEqual(['the holder is thief now']);
    expect([a.elector.isLeader(), a.elector.mayWrite()]).toEqual([false, false]);
    await leaveAll(a);
    expect(holder()).toBe('thief');
  });

  it('is lost when another has led in between, even if the lease is free again', async () => {
    const a = enter('a');
    await clock.advance(1000);
    const held = server.lease();
    server.put({ ...held, metadata: held?.metadata ?? { name: 'x' }, spec: { ...held?.spec, holderIdentity: '' } });
    await clock.advance(2000);
    expect(a.lost).toEqual(['the holder is nobody now']);
    await leaveAll(a);
  });

  it('gives up waiting when the process stops, and touches nothing', async () => {
    const a = enter('a');
    await clock.advance(0);
    const b = enter('b');
    await clock.advance(5000);
    b.stop.abort();
    await b.elector.release();
    expect(holder()).toBe('a');
    await leaveAll(a);
  });
});
