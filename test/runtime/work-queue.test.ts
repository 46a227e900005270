import { describe, expect, it } from '@jest/globals';
import { makeWorkQueue, Priority, type WorkQueue } from '../../src/runtime/work-queue.ts';
import { makeRecordingMetrics } from '../support/recording-metrics.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

const setUp = (): { queue: WorkQueue; clock: VirtualClock; metrics: ReturnType<typeof makeRecordingMetrics> } => {
  const clock = makeVirtualClock();
  const metrics = makeRecordingMetrics();
  return { clock, metrics, queue: makeWorkQueue({ name: 'q', clock, random: makeSeededRandom(1), metrics }) };
};

describe('work queue', () => {
  it('gives a key that was added a hundred times to one worker once', async () => {
    const { queue, metrics } = setUp();
    for (let n = 0; n < 100; n++) queue.add('a');
    expect(await queue.take()).toBe('a');
    expect(queue.depth()).toBe(0);
    expect(metrics.counted('workqueue_adds_total')).toBe(1);
  });

  it('runs a key again, once, when it was added while it was worked on', async () => {
    const { queue } = setUp();
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.add('a');
    expect(queue.depth()).toBe(0);
    queue.done('a');
    expect(queue.depth()).toBe(1);
    expect(await queue.take()).toBe('a');
    queue.done('a');
    expect(queue.depth()).toBe(0);
  });

  it('hands a key to a worker that waits', async () => {
    const { queue } = setUp();
    const first = queue.take();
    const second = queue.take();
    queue.add('a');
    queue.add('b');
    expect([await first, await second]).toEqual(['a', 'b']);
  });

  it('lets what people ask for go first, and keeps the order among equals', async () => {
    const { queue } = setUp();
    queue.add('initial', { priority: Priority.Initial });
    queue.add('first');
    queue.add('second');
    queue.add('request', { priority: Priority.Request });
    queue.add('initial-but-asked-for', { priority: Priority.Initial });
    queue.add('initial-but-asked-for', { priority: Priority.Request });
    const order = [];
    for (let n = 0; n < 5; n++) order.push(await queue.take());
    expect(order).toEqual(['request', 'initial-but-asked-for', 'first', 'second', 'initial']);
  });

  it('keeps the earliest of several delays', async () => {
    const { queue, clock } = setUp();
    queue.add('a', { afterMs: 1000 });
    queue.add('a', { afterMs: 100 });
    queue.add('a', { afterMs: 5000 });
    await clock.advance(99);
    expect(queue.depth()).toBe(0);
    await clock.advance(1);
    expect(await queue.take()).toBe('a');
    queue.done('a');
    await clock.advance(10_000);
    expect(queue.depth()).toBe(0);
  });

  it('does not run a key twice for a delay that an immediate add has overtaken', async () => {
    const { queue, clock } = setUp();
    queue.add('a', { afterMs: 1000 });
    queue.add('a');
    await queue.take();
    queue.done('a');
    await clock.advance(2000);
    expect(queue.depth()).toBe(0);
  });

  it('starts a delay that was asked for during the work', async () => {
    const { queue, clock } = setUp();
    queue.add('a');
    await queue.take();
    queue.add('a', { afterMs: 500 });
    await clock.advance(600);
    expect(queue.depth()).toBe(0);
    queue.done('a');
    expect(await queue.take()).toBe('a');
  });

  it('does not fire at once for a delay beyond the range of a timer', async () => {
    const { queue, clock } = setUp();
    const year = 365 * 24 * 3_600_000;
    queue.add('a', { afterMs: year });
    expect(Math.max(...clock.pending())).toBeLessThan(2 ** 31);
    await clock.advance(year - 1);
    expect(queue.depth()).toBe(0);
    await clock.advance(1);
    expect(queue.depth()).toBe(1);
  });

  it('backs off per key from 50 ms to a minute, with jitter, until it is forgotten', async () => {
    const { queue } = setUp();
    const delays = Array.from({ length: 14 }, () => queue.retry('a'));
    for (const [attempt, delay] of delays.entries()) {
      const ceiling = Math.min(60_000, 50 * 2 ** attempt);
      expect(delay).toBeGreaterThanOrEqual(ceiling / 2);
      expect(delay).toBeLessThanOrEqual(ceiling);
    }
    expect(queue.retry('b')).toBeLessThanOrEqual(50);
    queue.forget('a');
    expect(queue.retry('a')).toBeLessThanOrEqual(50);
    expect(queue.retry('a', 90_000)).toBe(90_000);
    await queue.close();
  });

  it('closes: gives out nothing more, waits for what is worked on, leaves no timer', async () => {
    const { queue, clock } = setUp();
    queue.add('a');
    await queue.take();
    queue.add('a');
    queue.add('b', { afterMs: 1000 });
    const waiting = queue.take();
    let emptied = false;
    const closed = queue.close().then(() => (emptied = true));
    expect(await waiting).toBeUndefined();
    expect(await queue.take()).toBeUndefined();
    queue.add('c');
    await clock.advance(5000);
    expect(emptied).toBe(false);
    queue.done('a');
    await closed;
    expect(queue.depth()).toBe(0);
    expect(clock.sleepers()).toBe(0);
  });

  it('says how long its oldest key has been worked on', async () => {
    const { queue, clock, metrics } = setUp();
    queue.add('a');
    await queue.take();
    await clock.advance(3000);
    queue.add('b');
    await queue.take();
    await clock.advance(1000);
    expect(metrics.sampled('workqueue_longest_running_processor_seconds')).toBe(4);
    expect(metrics.sampled('workqueue_unfinished_work_seconds')).toBe(5);
    expect(queue.processing()).toEqual([
      { key: 'a', forMs: 4000 },
      { key: 'b', forMs: 1000 },
    ]);
  });

  it('refuses a key back that nobody has taken', () => {
    expect(() => setUp().queue.done('a')).toThrow('done(a): nobody has taken it');
  });
});
