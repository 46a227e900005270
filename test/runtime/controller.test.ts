import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KubeError } from '../../src/kube/errors.ts';
import { type Controller, makeController, type Reconcile } from '../../src/runtime/controller.ts';
import { type Inbox, makeInbox } from '../support/inbox.ts';
import { makeRecordingLog } from '../support/recording-log.ts';
import { makeRecordingMetrics } from '../support/recording-metrics.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

interface Pass {
  readonly key: string;
  readonly signal: AbortSignal;
  readonly end: (result: Awaited<ReturnType<Reconcile>>) => void;
  readonly fail: (error: unknown) => void;
}

let clock: VirtualClock;
let metrics: ReturnType<typeof makeRecordingMetrics>;
let log: ReturnType<typeof makeRecordingLog>;
let passes: Inbox<Pass>;
let controller: Controller;

beforeEach(() => {
  clock = makeVirtualClock();
  metrics = makeRecordingMetrics();
  log = makeRecordingLog();
  passes = makeInbox('pass');
  controller = makeController({
    name: 'sandbox',
    workers: 2,
    passTimeoutMs: 10_000,
    reconcile: (key, { signal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<Reconcile>>>();
      passes.push({ key, signal, end: resolve, fail: reject });
      return promise;
    },
    clock,
    random: makeSeededRandom(1),
    log,
    metrics,
  });
  controller.start();
});

afterEach(async () => {
  await controller.stop(0);
  expect(clock.sleepers()).toBe(0);
});

const settled = (): Promise<void> => clock.advance(0);

describe('controller', () => {
  it('runs as many keys at a time as it has workers, and never two of one key', async () => {
    for (const key of ['a', 'b', 'c', 'a']) controller.enqueue(key);
    const [a, b] = [await passes.next(), await passes.next()];
    expect([a.key, b.key]).toEqual(['a', 'b']);
    controller.enqueue('a');
    await settled();
    expect(passes.unread()).toEqual([]);
    expect(metrics.sampled('controller_runtime_active_workers')).toBe(2);
    b.end({ kind: 'done' });
    const c = await passes.next();
    expect(c.key).toBe('c');
    a.end({ kind: 'done' });
    const again = await passes.next();
    expect(again.key).toBe('a');
    again.end({ kind: 'done' });
    c.end({ kind: 'done' });
  });

  it('coalesces a hundred changes during a pass into one more pass [F13]', async () => {
    controller.enqueue('a');
    const first = await passes.next();
    for (let change = 0; change < 100; change++) controller.enqueue('a');
    first.end({ kind: 'done' });
    (await passes.next()).end({ kind: 'done' });
    await settled();
    expect(passes.unread()).toEqual([]);
    expect(metrics.counted('controller_runtime_reconcile_total', { result: 'success' })).toBe(2);
  });

  it('looks again after the time a pass asks for', async () => {
    controller.enqueue('a');
    (await passes.next()).end({ kind: 'requeueAfter', ms: 5000 });
    await clock.advance(4999);
    expect(passes.unread()).toEqual([]);
    await clock.advance(1);
    (await passes.next()).end({ kind: 'done' });
    expect(metrics.counted('controller_runtime_reconcile_total', { result: 'requeue_after' })).toBe(1);
  });

  it('keeps a key whose pass throws: it comes again with growing delays [F19]', async () => {
    controller.enqueue('a');
    for (let attempt = 0; attempt < 6; attempt++) {
      (await passes.next()).fail(new TypeError('bug'));
      await settled();
      expect(clock.pending()[0]).toBeLessThanOrEqual(50 * 2 ** attempt);
      expect(clock.pending()[0]).toBeGreaterThanOrEqual(25 * 2 ** attempt);
      await clock.advanceToNext();
    }
    (await passes.next()).end({ kind: 'done' });
    await settled();
    expect(metrics.counted('controller_runtime_reconcile_panics_total')).toBe(6);
    controller.enqueue('a');
    (await passes.next()).fail(new Error('again'));
    await settled();
    expect(clock.pending()[0]).toBeLessThanOrEqual(50);
  });

  it('lets other keys go on beside one that always fails [F18]', async () => {
    controller.enqueue('poison');
    (await passes.next()).fail(new Error('no'));
    controller.enqueue('healthy');
    const healthy = await passes.next();
    expect(healthy.key).toBe('healthy');
    healthy.end({ kind: 'done' });
  });

  // Each meeting of a workspace's two writers was an error on the dashboard.
  it('honours Retry-After, says little about a conflict, and does not count it as an error [F9]', async () => {
    controller.enqueue('a');
    (await passes.next()).fail(new KubeError('TooManyRequests', 'slow down', { code: 429, retryAfterMs: 7000 }));
    await settled();
    expect(clock.pending()).toEqual([7000]);
    await clock.advanceToNext();
    (await passes.next()).fail(new KubeError('Conflict', 'modified', { code: 409 }));
    await settled();
    const levels = log.lines.filter(({ message }) => message.startsWith('pass failed')).map(({ level }) => level);
    expect(levels).toEqual(['warn', 'debug']);
    expect(metrics.counted('controller_runtime_reconcile_errors_total')).toBe(1);
    expect(metrics.counted('controller_runtime_reconcile_total', { result: 'error' })).toBe(1);
    expect(metrics.counted('controller_runtime_reconcile_total', { result: 'requeue' })).toBe(1);
  });

  it('does not repeat what is terminal before something changes', async () => {
    controller.enqueue('a');
    (await passes.next()).end({ kind: 'terminal', error: new Error('spec cannot work') });
    await settled();
    expect(clock.sleepers()).toBe(0);
    controller.enqueue('a');
    (await passes.next()).end({ kind: 'done' });
    expect(metrics.counted('controller_runtime_terminal_reconcile_errors_total')).toBe(1);
  });

  it('aborts a pass at its deadline, and waits for it before the key runs again', async () => {
    controller.enqueue('a');
    const slow = await passes.next();
    controller.enqueue('a');
    await clock.advance(10_000);
    expect(slow.signal.aborted).toBe(true);
    expect(String(slow.signal.reason)).toContain('the pass of sandbox for a did not finish within 10000 ms');
    expect(passes.unread()).toEqual([]);
    slow.fail(slow.signal.reason);
    (await passes.next()).end({ kind: 'done' });
    expect(metrics.counted('controller_runtime_reconcile_timeouts_total')).toBe(1);
  });

  it('reports a pass that does not come back', async () => {
    controller.enqueue('a');
    const stuck = await passes.next();
    expect(controller.check.check()).toEqual({ ok: true, message: '1 of 2 workers busy' });
    await clock.advance(140_000);
    expect(controller.check.check()).toEqual({ ok: false, message: 'passes do not come back: a (140 s)' });
    stuck.end({ kind: 'done' });
  });

  it('stops: takes no more, lets passes end, and aborts those that do not in time', async () => {
    for (const key of ['quick', 'slow', 'waiting']) controller.enqueue(key);
    const [quick, slow] = [await passes.next(), await passes.next()];
    let stopped = false;
    const stopping = controller.stop(5000).then(() => (stopped = true));
    quick.end({ kind: 'done' });
    controller.enqueue('late');
    await clock.advance(4999);
    expect([stopped, slow.signal.aborted]).toEqual([false, false]);
    await clock.advance(1);
    expect(slow.signal.aborted).toBe(true);
    slow.fail(slow.signal.reason);
    await stopping;
    expect(passes.unread()).toEqual([]);
  });
});
