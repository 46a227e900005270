import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ANNOTATION_TRACEPARENT } from '../../src/api/names.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { Tracer } from '../../src/base/tracer.ts';
import { NO_ACTIVITY } from '../../src/facade/activity/activity.ts';
import { makeSandboxQuota } from '../../src/facade/limits/sandbox-quota.ts';
import { makeSandboxCache } from '../../src/facade/sandbox-cache.ts';
import { SANDBOXES } from '../../src/kube/resource-types.ts';
import { makeInformer } from '../../src/runtime/informer.ts';
import { makeWorld, type World } from '../controller/world.ts';
import { startFacade, type TestFacade } from '../facade/support/facade.ts';
import { makeModelClient } from '../support/model-api-server/client.ts';
import { makeRecordingLog } from '../support/recording-log.ts';
import { NAMESPACE } from '../support/resources.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { type ReceivedSpan, startTraceReceiver, type TraceReceiver, traceTo } from '../support/trace-receiver.ts';

let receiver: TraceReceiver;
/** Of the facade and of the controllers: processes of their own, which know nothing of each other but what the API server has. */
let tracers: readonly [Tracer, Tracer];
let world: World;
let facade: TestFacade;
let stopInformer: () => Promise<void>;

beforeEach(async () => {
  receiver = await startTraceReceiver();
  tracers = [traceTo(receiver.endpoint), traceTo(receiver.endpoint)];
  world = await makeWorld({ tracer: tracers[1] });
  const { api, clock } = world;
  const kube = makeModelClient(api, { clock });
  const random = makeSeededRandom(3);
  const selection = { namespace: NAMESPACE };
  const log = makeRecordingLog();
  const informer = makeInformer<Sandbox>({ client: kube, type: SANDBOXES, selection, clock, random, log });
  const stopping = new AbortController();
  const running = informer.run(stopping.signal);
  await informer.synced;
  stopInformer = async () => {
    stopping.abort();
    await running;
  };
  const cache = makeSandboxCache(informer, NAMESPACE);
  const quota = makeSandboxQuota(cache);
  facade = await startFacade({}, undefined, { kube, cache, quota, activity: NO_ACTIVITY, clock, tracer: tracers[0] });
});

afterEach(async () => {
  await facade.stop();
  await stopInformer();
  await world.stop();
  await Promise.all(tracers.map((tracer) => tracer.stop()));
  await receiver.close();
});

const ask = async (method: string, path: string, trace: string, body?: unknown): Promise<string> => {
  const headers = { traceparent: `00-${trace}-${'1'.repeat(16)}-01`, prefer: 'respond-async' };
  const answer = await facade.request(path, { method, headers, ...(body === undefined ? {} : { body }) });
  expect(answer.status).toBe(202);
  return (answer.body as { readonly sandbox_id: string }).sandbox_id;
};

const passesOf = async (trace: string): Promise<readonly ReceivedSpan[]> => {
  tracers[1].open(`after ${trace}`).end();
  await receiver.until(`after ${trace}`);
  return receiver.spans().filter(({ name, traceId }) => name.startsWith('reconcile ') && traceId === trace);
};
const did = (passes: readonly ReceivedSpan[]): readonly string[] =>
  passes.flatMap(({ events }) => events.map(({ name }) => name));

test('what a client asks for is one trace each: the request, the passes that bring it about, and the pod that is made', async () => {
  const [starting, suspending, resuming] = ['a'.repeat(32), 'b'.repeat(32), 'c'.repeat(32)];
  const id = await ask('POST', '/sandboxes', starting, { user_id: 'ann' });
  await world.until('Ready', () => world.ready(id)?.status === 'True');
  const pod = world.api.newest().pods.get(id);
  const started = await passesOf(starting);
  const request = await receiver.until('POST /sandboxes');
  expect(started.every(({ parentSpanId }) => parentSpanId === request.spanId)).toBe(true);
  expect(did(started)).toEqual(
    expect.arrayContaining(['createWorkspace', 'acquireWriter', 'createPod', 'writeSandboxStatus']),
  );
  const made = started.find(({ events }) => events.some(({ name }) => name === 'createPod'));
  expect(pod?.metadata.annotations?.[ANNOTATION_TRACEPARENT]).toBe(`00-${starting}-${made?.spanId ?? ''}-01`);

  await ask('POST', `/sandboxes/${id}/suspend`, suspending);
  await world.until('Suspended', () => world.standing(id)?.reason === 'Suspended');
  expect(did(await passesOf(suspending))).toEqual(expect.arrayContaining(['deletePod', 'releaseWriter']));

  await ask('POST', `/sandboxes/${id}/resume`, resuming);
  await world.until('Ready again', () => world.ready(id)?.status === 'True');
  expect(did(await passesOf(resuming))).toContain('createPod');
  expect(await passesOf(starting)).toHaveLength(started.length);
  // Not one write more than without traces: test/controller/life.test.ts and test/facade count them.
  expect(world.client().writes.filter((write) => write === `patch sandboxes/${id}`)).toEqual([]);
});
