import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { type InformerFixture, makeInformerFixture, passBackoff, pod } from './informer-fixture.ts';

let fixture: InformerFixture;

beforeEach(async () => {
  fixture = await makeInformerFixture({ resyncMs: 600_000 });
});

afterEach(async () => {
  await fixture.stop();
});

/** The first list, with these pods at version 5, and the watch that follows. */
const begin = async (...pods: readonly ReturnType<typeof pod>[]) => {
  const { start, takeList, takeWatch, changes, informer } = fixture;
  start();
  (await takeList()).list(pods, '5');
  for (const { metadata } of pods)
    expect(await changes.next()).toBe(`added ${metadata.name}/${metadata.resourceVersion}`);
  await informer.synced;
  return takeWatch('5');
};

const failures = (): number => fixture.metrics.counted('informer_watch_failures_total');
const relists = (reason: string): number => fixture.metrics.counted('informer_relists_total', { reason });

describe('informer', () => {
  it('lists page by page, then follows the watch', async () => {
    const { start, takeList, takeWatch, changes, informer } = fixture;
    expect(informer.check.check()).toEqual({ ok: false, message: 'waits for the first list' });
    start();
    const first = await takeList();
    expect(first.query).toEqual({ limit: '500' });
    first.list([pod('a', '1')], '5', 'token');
    const second = await takeList();
    expect(second.query).toEqual({ limit: '500', continue: 'token' });
    second.list([pod('b', '2')], '5');
    await informer.synced;
    expect(informer.check.check()).toEqual({ ok: true, message: '2 objects' });
    const stream = await takeWatch('5');
    stream.event('MODIFIED', pod('a', '6'));
    stream.event('DELETED', pod('b', '7'));
    const seen = [];
    for (let n = 0; n < 4; n++) seen.push(await changes.next());
    expect(seen).toEqual(['added a/1', 'added b/2', 'updated a/6', 'deleted b/7']);
  });

  it('defect 1: goes on after a reset connection, from the version it has reached', async () => {
    const { takeWatch, changes, clock } = fixture;
    const stream = await begin();
    stream.event('ADDED', pod('a', '9'));
    expect(await changes.next()).toBe('added a/9');
    stream.cut();
    await passBackoff(clock, failures, 1);
    const again = await takeWatch('9');
    again.event('MODIFIED', pod('a', '10'));
    expect(await changes.next()).toBe('updated a/10');
    expect(relists('failure')).toBe(0);
  });

  it('defect 2: is not synced while the first list fails, says why, and keeps trying', async () => {
    const { start, takeList, takeWatch, informer, clock, changes } = fixture;
    start();
    for (let attempt = 1; attempt <= 5; attempt++) {
      (await takeList()).status(503, 'ServiceUnavailable', 'etcd is down');
      await eventually(() => failures() === attempt);
      expect(informer.check.check()).toEqual({ ok: false, message: 'etcd is down' });
      await passBackoff(clock, failures, attempt);
    }
    (await takeList()).list([pod('a', '1')], '5');
    await informer.synced;
    expect(await changes.next()).toBe('added a/1');
    await takeWatch('5');
  });

  it('defect 3: resumes from the last bookmark, so that a quiet resource needs no new list', async () => {
    const { takeWatch, clock } = fixture;
    const stream = await begin();
    stream.bookmark('700');
    await clock.advance(60_000);
    stream.end();
    await takeWatch('700');
    expect(relists('start')).toBe(1);
    expect(failures()).toBe(0);
  });

  it('defect 4: reports an object that was recreated during a gap as a deletion and an addition [F11]', async () => {
    const { takeList, takeWatch, changes } = fixture;
    const stream = await begin(pod('a', '1', 'old'));
    stream.error(410, 'Expired', 'too old resource version');
    stream.end();
    (await takeList()).list([pod('a', '30', 'new')], '31');
    expect([await changes.next(), await changes.next()]).toEqual(['deleted a/1', 'added a/30']);
    await takeWatch('31');
    expect(relists('expired')).toBe(1);
  });

  it('defect 5: drops an older event that comes after a newer one, and does not take its version [F4]', async () => {
    const { takeWatch, changes, clock, metrics } = fixture;
    const stream = await begin();
    stream.event('ADDED', pod('a', '9'));
    stream.event('MODIFIED', pod('a', '7'));
    stream.event('ADDED', pod('b', '8'));
    expect([await changes.next(), await changes.next()]).toEqual(['added a/9', 'added b/8']);
    expect(metrics.counted('informer_stale_events_total')).toBe(1);
    stream.cut();
    await passBackoff(clock, failures, 1);
    await takeWatch('9');
  });

  it('defect 6: a handler that throws gets the change again, and costs nobody else theirs [F19]', async () => {
    const { informer, changes, clock, log } = fixture;
    const stream = await begin();
    let thrown = 0;
    const received: string[] = [];
    informer.onChange(({ object }) => {
      if (thrown < 2) {
        thrown += 1;
        throw new Error('handler bug');
      }
      received.push(object.metadata.name);
    });
    stream.event('ADDED', pod('a', '6'));
    expect(await changes.next()).toBe('added a/6');
    await eventually(() => thrown === 1);
    await clock.advance(100);
    expect(thrown).toBe(2);
    await clock.advance(200);
    expect(received).toEqual(['a']);
    expect(log.lines.filter(({ message }) => message === 'a handler threw: handler bug')).toHaveLength(2);
  });

  it('defect 7: stops at once, also while it connects, and delivers nothing afterwards', async () => {
    const stopped = await makeInformerFixture();
    stopped.start();
    const list = await stopped.takeList();
    await stopped.stop();
    await list.closed;
    expect(stopped.informer.store.list()).toEqual([]);
  });

  it('an ERROR event that is no 410 is a failure: it waits and resumes from the same version', async () => {
    const { takeWatch, clock } = fixture;
    const stream = await begin();
    stream.error(500, 'InternalError', 'etcdserver: leader changed');
    stream.end();
    await eventually(() => failures() === 1);
    expect(fixture.informer.check.check()).toEqual({ ok: true, message: 'etcdserver: leader changed' });
    await passBackoff(clock, failures, 1);
    await takeWatch('5');
  });

  it('lists again when the server has refused the same version three times', async () => {
    const { takeList, takeWatch, server, clock } = fixture;
    (await begin()).cut();
    await passBackoff(clock, failures, 1);
    for (let attempt = 2; attempt <= 3; attempt++) {
      (await server.take()).status(500, 'InternalError', 'cannot decode');
      await passBackoff(clock, failures, attempt);
    }
    (await takeList()).list([], '50');
    await takeWatch('50');
    expect(relists('failure')).toBe(1);
  });

  it('410 on watch means a new list at once, and its absences are deletions [F7]', async () => {
    const { takeList, takeWatch, server, changes, clock } = fixture;
    const stream = await begin(pod('a', '1'), pod('b', '2'));
    await clock.advance(20_000);
    stream.end();
    (await server.take()).status(410, 'Expired', 'too old resource version');
    (await takeList()).list([pod('b', '2')], '40');
    expect(await changes.next()).toBe('deleted a/1');
    await takeWatch('40');
  });

  it('410 on a page of a list means the same list in one piece [F7]', async () => {
    const { start, takeList, takeWatch, changes } = fixture;
    start();
    (await takeList()).list([pod('a', '1')], '5', 'token');
    (await takeList()).status(410, 'Expired', 'The provided continue parameter is too old');
    const whole = await takeList();
    expect(whole.query).toEqual({});
    whole.list([pod('a', '1'), pod('b', '2')], '6');
    expect([await changes.next(), await changes.next()]).toEqual(['added a/1', 'added b/2']);
    await takeWatch('6');
  });

  it('waits at least as long as Retry-After asks', async () => {
    const { start, takeList, takeWatch, clock } = fixture;
    start();
    (await takeList()).status(429, 'TooManyRequests', 'slow down', { 'retry-after': '20' });
    await eventually(() => failures() === 1 && clock.sleepers() === 1);
    expect(clock.pending()[0]).toBeGreaterThanOrEqual(20_000);
    await clock.advanceToNext();
    (await takeList()).list([], '5');
    await takeWatch('5');
  });

  it('finds a connection that was accepted and is silent for ever', async () => {
    const { takeWatch, clock } = fixture;
    const stream = await begin();
    await eventually(() => clock.sleepers() === 1);
    const idleMs = clock.pending()[0] ?? 0;
    expect(idleMs).toBeGreaterThan(260_000);
    expect(idleMs).toBeLessThan(325_000);
    await clock.advance(idleMs);
    await stream.closed;
    await passBackoff(clock, failures, 1);
    await takeWatch('5');
  });

  it('does not hammer a server that ends each watch at once', async () => {
    const { takeWatch, clock } = fixture;
    (await begin()).end();
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 8; attempt++) {
      await eventually(() => clock.sleepers() === 1);
      waits.push(clock.pending()[0] ?? 0);
      await clock.advanceToNext();
      (await takeWatch('5')).end();
    }
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(20_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
    await eventually(() => clock.sleepers() === 1);
  });

  it('asks once per backoff while the server is away for a minute, and needs no list when it is back', async () => {
    const { server, takeWatch, clock } = fixture;
    (await begin()).cut();
    for (let attempt = 1, started = clock.monotonic(); clock.monotonic() - started < 60_000; attempt++) {
      await passBackoff(clock, failures, attempt);
      (await server.take()).cut();
    }
    expect(failures()).toBeLessThan(15);
    await passBackoff(clock, failures, failures() + 1);
    await takeWatch('5');
    expect(relists('failure')).toBe(0);
  });

  it('a resync finds what no event has brought, and counts it', async () => {
    const { takeList, takeWatch, changes, clock, metrics, log } = fixture;
    const stream = await begin(pod('a', '1'));
    for (let quiet = 0; quiet < 3; quiet++) {
      await clock.advance(200_000);
      stream.bookmark('6');
      await eventually(() => metrics.sampled('informer_last_event_age_seconds') === 0);
    }
    stream.end();
    (await takeList()).list([pod('a', '3')], '7');
    expect(await changes.next()).toBe('updated a/3');
    await takeWatch('7');
    expect(metrics.counted('informer_cache_misses_total')).toBe(1);
    expect(log.lines.some(({ level, message }) => level === 'warn' && message.includes('resync'))).toBe(true);
  });

  it('asks again when a list is older than what it has seen, and believes the second one [F3]', async () => {
    const { takeList, takeWatch, changes, clock } = fixture;
    const stream = await begin(pod('a', '4'));
    stream.bookmark('900');
    stream.error(410, 'Expired');
    stream.end();
    (await takeList()).list([], '100');
    await passBackoff(clock, failures, 2);
    (await takeList()).list([pod('b', '90')], '100');
    expect([await changes.next(), await changes.next()]).toEqual(['deleted a/4', 'added b/90']);
    await takeWatch('100');
  });

  it('shows an own write at once, and knows it when the watch brings it', async () => {
    const { informer, changes } = fixture;
    const stream = await begin();
    informer.put(pod('mine', '20'));
    expect(await changes.next()).toBe('added mine/20');
    expect(informer.store.get('sandboxes/mine')).toBeDefined();
    stream.event('ADDED', pod('mine', '20'));
    stream.event('MODIFIED', pod('mine', '21'));
    expect(await changes.next()).toBe('updated mine/21');
  });

  it('tells a late handler what the store already holds', async () => {
    await begin(pod('a', '1'));
    const seen: string[] = [];
    fixture.informer.onChange(({ kind, object }, origin) => seen.push(`${kind} ${object.metadata.name} ${origin}`));
    expect(seen).toEqual(['added a initial']);
  });

  it('says that a CustomResourceDefinition is missing', async () => {
    const { start, takeList, takeWatch, informer, clock } = fixture;
    start();
    (await takeList()).text(404, '404 page not found');
    await eventually(() => failures() === 1);
    expect(informer.check.check().message).toContain('install its CustomResourceDefinition');
    await passBackoff(clock, failures, 1);
    (await takeList()).list([], '5');
    await takeWatch('5');
  });
});
