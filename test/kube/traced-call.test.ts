import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Tracer } from '../../src/base/tracer.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { directAccess } from '../../src/kube/cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { PODS, SANDBOXES, TOKEN_REVIEWS } from '../../src/kube/resource-types.ts';
import { type KubeServer, startKubeServer } from '../support/kube-server/start-kube-server.ts';
import { startTraceReceiver, type TraceReceiver, traceTo } from '../support/trace-receiver.ts';

let server: KubeServer;
let receiver: TraceReceiver;
let tracer: Tracer;
let client: KubeClient;

beforeEach(async () => {
  server = await startKubeServer();
  receiver = await startTraceReceiver();
  tracer = traceTo(receiver.endpoint);
  client = makeKubeClient({ access: directAccess(server.url), tracer });
});

afterEach(async () => {
  await client.close();
  await server.close();
  await tracer.stop();
  await receiver.close();
});

const DEMO = { type: SANDBOXES, namespace: 'sandboxes', name: 'demo' };

it('a call is a client span below the work that it is made for, without its query and its body', async () => {
  server.answer((exchange) => exchange.json(200, { metadata: { name: 'demo' } }));
  await tracer.span('pass', {}, async () => {
    await client.mergePatch(
      DEMO,
      { spec: { said: 'in-the-body' } },
      { subresource: 'status', fieldManager: 'in-the-query' },
    );
    await client.create(TOKEN_REVIEWS, undefined, { metadata: { name: 'x' } });
  });
  const pass = await receiver.until('pass');
  const span = await receiver.until('PATCH sandboxes/{name}/status');
  expect(span).toMatchObject({ kind: 'client', parentSpanId: pass.spanId, failed: false });
  expect(span.attributes).toEqual({
    'http.request.method': 'PATCH',
    'http.response.status_code': 200,
    'server.address': '127.0.0.1',
    'server.port': server.port,
    'url.template': 'sandboxes/{name}/status',
    'k8s.namespace.name': 'sandboxes',
    'k8s.object.name': 'demo',
  });
  expect(await receiver.until('POST tokenreviews')).toMatchObject({ parentSpanId: pass.spanId });
  expect(receiver.text()).not.toContain('in-the-');
});

it('a refusal is told by its reason, not by its message, which may quote what was written', async () => {
  server.answer((exchange) => exchange.status(422, 'Invalid', 'spec.env: Invalid value: "a-secret"'));
  const failed = tracer.span('pass', {}, () => client.get(DEMO));
  await expect(failed).rejects.toThrow('a-secret');
  expect(await receiver.until('GET sandboxes/{name}')).toMatchObject({
    failed: true,
    attributes: { 'error.type': 'Invalid', 'http.response.status_code': 422 },
  });
  await receiver.until('pass');
  expect(receiver.text()).not.toContain('a-secret');
});

it('what nobody asked for, and a watch, is no span', async () => {
  server.answer((exchange) => {
    if (exchange.query['watch'] === 'true') exchange.stream().end();
    else exchange.list([], '1');
  });
  await client.list(PODS, { namespace: 'sandboxes' });
  await tracer.span('pass', {}, async () => {
    const selection = { namespace: 'sandboxes', resourceVersion: '1', timeoutSeconds: 10 };
    for await (const event of client.watch(PODS, selection, { idleTimeoutMs: 1_000 })) expect(event).toBeUndefined();
  });
  await tracer.stop();
  expect(receiver.spans().map(({ name }) => name)).toEqual(['pass']);
});
