import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ANNOTATION_TRACEPARENT } from '../../src/api/names.ts';
import type { Tracer } from '../../src/base/tracer.ts';
import { aSandbox } from '../support/resources.ts';
import { type ReceivedSpan, startTraceReceiver, type TraceReceiver, traceTo } from '../support/trace-receiver.ts';
import { makeWorld, type World } from './world.ts';

const TRACE = 'a'.repeat(32);
const asked = (trace: string) => ({ [ANNOTATION_TRACEPARENT]: `00-${trace}-${'b'.repeat(16)}-01` });
const PASS = 'reconcile sandboxes.matrx.dev';

let receiver: TraceReceiver;
let tracer: Tracer;
let world: World;

beforeEach(async () => {
  receiver = await startTraceReceiver();
  tracer = traceTo(receiver.endpoint);
  world = await makeWorld({ tracer });
});

afterEach(async () => {
  await world.stop();
  await tracer.stop();
  await receiver.close();
});

const passes = (): readonly ReceivedSpan[] => receiver.spans().filter(({ name }) => name === PASS);
const untilReady = (): Promise<void> => world.until('Ready', () => world.ready('demo')?.status === 'True');
const podTrace = (): string | undefined =>
  world.api.newest().pods.get('demo')?.metadata.annotations?.[ANNOTATION_TRACEPARENT];
/** All spans there are, when the last has been received. */
const received = async (): Promise<void> => {
  tracer.open('the last', { parent: 'none' }).end();
  await receiver.until('the last');
};

test('the passes of a start are below what asked for it, with what they did; the pod tells whose it is', async () => {
  world.create(aSandbox('demo').annotate(asked(TRACE)));
  await untilReady();
  const made = await receiver.until(({ events }) => events.some(({ name }) => name === 'createPod'));
  expect(made).toMatchObject({
    name: PASS,
    traceId: TRACE,
    parentSpanId: 'b'.repeat(16),
    attributes: { sandbox_id: 'demo', user_id: 'ann', reconcileId: expect.stringMatching(/^[0-9a-f]{8}$/) },
  });
  expect(podTrace()).toBe(`00-${TRACE}-${made.spanId}-01`);
  await receiver.until('reconcile workspaces.matrx.dev');
});

test('once it has got there that trace is over: what comes later, by itself, is a trace of its own', async () => {
  world.create(aSandbox('demo').annotate(asked(TRACE)));
  await untilReady();
  await world.run(30);
  await received();
  const before = passes().length;
  world.want('demo', 'Stopped');
  await world.until('Stopped', () => world.standing('demo')?.type === 'Stopped');
  await received();
  const later = passes().slice(before);
  expect(later.flatMap(({ events }) => events.map(({ name }) => name))).toContain('deletePod');
  expect(later.map(({ traceId }) => traceId)).not.toContain(TRACE);
  expect(later.every(({ parentSpanId }) => parentSpanId === '')).toBe(true);
});

test('a stop that is asked for in another trace belongs to that one until it has ended', async () => {
  world.create(aSandbox('demo').annotate(asked(TRACE)));
  await untilReady();
  await world.run(30);
  const other = 'c'.repeat(32);
  world.api.update('sandboxes', 'demo', ({ metadata, spec, ...rest }) => ({
    ...rest,
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...asked(other) } },
    spec: { ...spec, desiredState: 'Stopped' },
  }));
  await world.until('Stopped', () => world.standing('demo')?.type === 'Stopped');
  await received();
  const deleting = passes().find(({ events }) => events.some(({ name }) => name === 'deletePod'));
  expect(deleting?.traceId).toBe(other);
});

test.each(['nonsense', `00-${TRACE}-${'b'.repeat(16)}-01; drop`, '', 'x'.repeat(10_000)])(
  'what is no traceparent (%.20s) means nothing',
  async (text) => {
    world.create(aSandbox('demo').annotate({ [ANNOTATION_TRACEPARENT]: text }));
    await untilReady();
    await received();
    expect(passes().length).toBeGreaterThan(0);
    expect(passes().every(({ parentSpanId }) => parentSpanId === '')).toBe(true);
    expect(podTrace()).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  },
);

test('a pass that fails says so', async () => {
  world.client().refusePods('no such runtime class');
  world.create(aSandbox('demo').annotate(asked(TRACE)));
  await world.until('it is told', () => world.standing('demo')?.reason === 'PodRefused');
  await received();
  expect(passes().length).toBeGreaterThan(0);
  expect(receiver.text()).not.toContain('no such runtime class');
});

test('off: the annotation is neither read nor passed on', async () => {
  const off = await makeWorld();
  off.create(aSandbox('demo').annotate(asked(TRACE)));
  await off.until('Ready', () => off.ready('demo')?.status === 'True');
  expect(off.api.newest().pods.get('demo')?.metadata.annotations ?? {}).not.toHaveProperty([ANNOTATION_TRACEPARENT]);
  await off.stop();
});
