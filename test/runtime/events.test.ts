import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { KubeClient, KubeObject } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { EventRecord } from '../../src/runtime/event-object.ts';
import { type EventRecorder, makeEventRecorder } from '../../src/runtime/events.ts';
import { makeRecordingLog } from '../support/recording-log.ts';
import { makeRecordingMetrics } from '../support/recording-metrics.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

const demo: KubeObject = {
  apiVersion: 'matrx.dev/v1alpha1',
  kind: 'Sandbox',
  metadata: { name: 'demo', namespace: 'sandboxes', uid: 'u1', resourceVersion: '7' },
};

const happened = (overrides: Partial<EventRecord> = {}): EventRecord => ({
  regarding: demo,
  type: 'Normal',
  reason: 'PodCreated',
  action: 'CreatePod',
  note: 'created pod demo',
  ...overrides,
});

let clock: VirtualClock;
let created: (KubeObject & Record<string, unknown>)[];
let patched: unknown[];
let failures: KubeError[];
let metrics: ReturnType<typeof makeRecordingMetrics>;
let log: ReturnType<typeof makeRecordingLog>;
let recorder: EventRecorder;
/** Milliseconds that the API server takes for a call. */
let latencyMs: number;

beforeEach(() => {
  latencyMs = 0;
  clock = makeVirtualClock();
  created = [];
  patched = [];
  failures = [];
  metrics = makeRecordingMetrics();
  log = makeRecordingLog();
  const failOr = async <T>(result: () => T): Promise<T> => {
    if (latencyMs > 0) await clock.sleep(latencyMs);
    await Promise.resolve();
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    return result();
  };
  const client = {
    create: (_type: unknown, _namespace: unknown, object: KubeObject & Record<string, unknown>) =>
      failOr(() => {
        created.push(object);
        return object;
      }),
    mergePatch: (ref: { name: string }, patch: unknown) =>
      failOr(() => {
        patched.push(patch);
        return { metadata: { name: ref.name } };
      }),
  } as unknown as Pick<KubeClient, 'create' | 'mergePatch'>;
  recorder = makeEventRecorder({
    client,
    reportingController: 'matrx.dev/controller',
    reportingInstance: 'controller-0',
    clock,
    random: makeSeededRandom(1),
    log,
    metrics,
  });
});

afterEach(async () => {
  await recorder.flush();
  expect(clock.sleepers()).toBe(0);
});

describe('event recorder', () => {
  it('writes an event that kubectl describe finds', async () => {
    recorder.record(happened());
    await recorder.flush();
    expect(created).toEqual([
      {
        metadata: { name: expect.stringMatching(/^demo\.[0-9a-f]{16}$/), namespace: 'sandboxes' },
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'matrx.dev/controller',
        reportingInstance: 'controller-0',
        type: 'Normal',
        reason: 'PodCreated',
        action: 'CreatePod',
        note: 'created pod demo',
        regarding: {
          apiVersion: 'matrx.dev/v1alpha1',
          kind: 'Sandbox',
          name: 'demo',
          namespace: 'sandboxes',
          uid: 'u1',
          resourceVersion: '7',
        },
      },
    ]);
  });

  it('counts repetitions in the series of the first, and writes the count now and then', async () => {
    for (let n = 0; n < 100; n++) recorder.record(happened());
    await clock.advance(0);
    expect(created).toHaveLength(1);
    expect(patched).toEqual([{ series: { count: 100, lastObservedTime: '2026-01-01T00:00:00.000000Z' } }]);
    await clock.advance(10_000);
    recorder.record(happened());
    await clock.advance(0);
    expect(patched).toHaveLength(1);
    await clock.advance(25_000);
    recorder.record(happened());
    await clock.advance(0);
    expect(patched.at(-1)).toEqual({ series: { count: 102, lastObservedTime: '2026-01-01T00:00:35.000000Z' } });
  });

  it('sends the last count when the process stops', async () => {
    recorder.record(happened());
    recorder.record(happened());
    await clock.advance(0);
    recorder.record(happened());
    await recorder.flush();
    expect(patched.at(-1)).toMatchObject({ series: { count: 3 } });
  });

  it('begins a new series after six minutes of quiet', async () => {
    recorder.record(happened());
    await clock.advance(361_000);
    recorder.record(happened());
    await recorder.flush();
    expect([created.length, patched.length]).toEqual([2, 0]);
  });

  it('starts over when the first event of a series has expired on the server', async () => {
    recorder.record(happened());
    await clock.advance(0);
    failures.push(new KubeError('NotFound', 'gone', { code: 404 }));
    recorder.record(happened());
    await recorder.flush();
    expect(created).toHaveLength(2);
  });

  it('limits an object to 25 events and one more each five minutes; others are not affected', async () => {
    for (let n = 0; n < 30; n++) recorder.record(happened({ note: `note ${n}` }));
    recorder.record(happened({ regarding: { ...demo, metadata: { ...demo.metadata, uid: 'u2' } } }));
    await recorder.flush();
    expect(created).toHaveLength(26);
    expect(metrics.counted('events_discarded_total', { reason: 'limited' })).toBe(5);
    await clock.advance(300_000);
    recorder.record(happened({ note: 'later' }));
    recorder.record(happened({ note: 'too soon' }));
    await recorder.flush();
    expect(created).toHaveLength(27);
  });

  it('tries again while the server is away, then gives the event up', async () => {
    failures.push(...[1, 2].map(() => new KubeError('Unreachable', 'down')));
    recorder.record(happened());
    await clock.advance(20_000);
    expect(created).toHaveLength(1);
    failures.push(...[1, 2, 3, 4].map(() => new KubeError('ServerError', 'down')));
    recorder.record(happened({ note: 'lost' }));
    await clock.advance(60_000);
    expect(created).toHaveLength(1);
    expect(metrics.counted('events_discarded_total', { reason: 'failed' })).toBe(1);
  });

  it('creates a repeated event whose first could not be sent', async () => {
    failures.push(new KubeError('Forbidden', 'not yet', { code: 403 }));
    recorder.record(happened());
    await recorder.flush();
    recorder.record(happened());
    await recorder.flush();
    expect([created.length, patched.length]).toEqual([1, 0]);
  });

  it('does not repeat what the server refuses', async () => {
    failures.push(new KubeError('Forbidden', 'namespace is being terminated', { code: 403 }));
    recorder.record(happened());
    await recorder.flush();
    expect(created).toEqual([]);
    expect(log.lines.at(-1)).toMatchObject({ level: 'warn' });
  });

  it('never throws, and cuts what the API would refuse', async () => {
    recorder.record({ ...happened(), regarding: undefined as unknown as KubeObject });
    expect(log.lines.at(-1)).toMatchObject({ level: 'error' });
    const long = { ...demo, metadata: { ...demo.metadata, name: 'n'.repeat(253) } };
    recorder.record(happened({ note: 'x'.repeat(5000), regarding: long }));
    await recorder.flush();
    expect(String(created[0]?.['note'])).toHaveLength(1024);
    expect(created[0]?.metadata.name).toHaveLength(253);
  });

  const many = (count: number): void => {
    for (let n = 0; n < count; n++) {
      recorder.record(happened({ regarding: { ...demo, metadata: { ...demo.metadata, uid: `u${n}` } } }));
    }
  };

  it('sends a few at once, then in a fifth of one connection’s time, with the time at which each thing happened', async () => {
    latencyMs = 20;
    many(60);
    await clock.advance(25 * 20);
    expect(created).toHaveLength(25);
    // 2 s of pauses are owed: from now on one is sent every 100 ms.
    await clock.advance(1_000);
    expect(created).toHaveLength(35);
    await clock.advance(2_500);
    expect(created).toHaveLength(60);
    expect(new Set(created.map(({ eventTime }) => eventTime))).toEqual(new Set(['2026-01-01T00:00:00.000000Z']));
  });

  it('sends two a second where the API server is slow', async () => {
    latencyMs = 400;
    many(50);
    await clock.advance(10_000);
    const sent = created.length;
    await clock.advance(5_000);
    expect(created).toHaveLength(sent + 10);
    latencyMs = 0;
    await clock.advance(1_000);
    expect(created).toHaveLength(50);
  });

  it('sends what waits at once when it is asked to', async () => {
    latencyMs = 400;
    many(50);
    await clock.advance(10_000);
    expect(created.length).toBeLessThan(30);
    latencyMs = 0;
    const flushed = recorder.flush();
    // One was under way.
    await clock.advance(400);
    await flushed;
    expect(created).toHaveLength(50);
  });

  it('drops further events when ten thousand wait', async () => {
    many(10_100);
    await recorder.flush();
    expect(created.length).toBeGreaterThanOrEqual(10_000);
    expect(metrics.counted('events_discarded_total', { reason: 'backlog' })).toBeGreaterThan(90);
  });
});
