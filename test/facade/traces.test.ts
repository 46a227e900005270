import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ANNOTATION_TRACEPARENT } from '../../src/api/names.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Tracer } from '../../src/base/tracer.ts';
import { makeDaemonConnections } from '../../src/facade/daemon/connections.ts';
import { makeTracedConnections } from '../../src/facade/daemon/traced.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { POD_UID, startDaemon } from '../sandboxd/support/daemon.ts';
import { aSandbox } from '../support/resources.ts';
import { type ReceivedSpan, startTraceReceiver, type TraceReceiver, traceTo } from '../support/trace-receiver.ts';
import { API_KEY, FACADE_KEY, FACADE_PUBLIC_KEY, startFacade, type TestFacade } from './support/facade.ts';
import { openSocket } from './support/socket.ts';
import { ready, stopped } from './support/statuses.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

let receiver: TraceReceiver;
let tracer: Tracer;
let facade: TestFacade;

beforeEach(async () => {
  receiver = await startTraceReceiver();
  tracer = traceTo(receiver.endpoint);
  facade = await startFacade({}, undefined, { tracer });
});

afterEach(async () => {
  await tracer.stop();
  await receiver.close();
});

const annotationOf = (sandbox: Sandbox | undefined): string | undefined =>
  sandbox?.metadata.annotations?.[ANNOTATION_TRACEPARENT];
const placeOf = ({ traceId, spanId }: ReceivedSpan): string => `00-${traceId}-${spanId}-01`;

describe('a request', () => {
  it('is a server span below the one that its client names, and tells of nobody’s words', async () => {
    facade.cluster.add(aSandbox().status(ready('demo')).build());
    const { headers } = await facade.request('/sandboxes/demo?secret=in-the-query', {
      headers: { traceparent: TRACEPARENT, 'x-request-id': 'request-1' },
    });
    expect(headers.get('traceparent')).toBeNull();
    await facade.request('/sandboxes/demo', { method: 'PATCH', body: { metadata: { said: 'in-the-body' } } });
    const span = await receiver.until('GET /sandboxes/:id');
    await receiver.until('PATCH /sandboxes/:id');
    expect(span).toMatchObject({ kind: 'server', traceId: TRACE, parentSpanId: '00f067aa0ba902b7', failed: false });
    expect(span.attributes).toEqual({
      'http.request.method': 'GET',
      'http.route': '/sandboxes/:id',
      'http.response.status_code': 200,
      sandbox_id: 'demo',
      user_id: 'ann',
      request_id: 'request-1',
    });
    for (const secret of ['in-the-query', 'in-the-body', API_KEY]) expect(receiver.text()).not.toContain(secret);
  });

  it('is the first of a trace where what its client names is malformed', async () => {
    await facade.request('/health', { headers: { traceparent: `00-${TRACE}-0000000000000000-01` } });
    const span = await receiver.until('GET /health');
    expect(span).toMatchObject({ parentSpanId: '' });
    expect(span.traceId).not.toBe(TRACE);
  });

  it('has failed with a 5xx, and not with what was the client’s mistake', async () => {
    facade.cluster.fail('get', new KubeError('Unreachable', 'no answer'));
    await facade.request('/sandboxes/other');
    await facade.request('/sandboxes/missing');
    await facade.request('/nothing/at/all', { headers: { 'X-API-Key': null } });
    expect(await receiver.until(({ attributes }) => attributes['http.response.status_code'] === 503)).toMatchObject({
      name: 'GET /sandboxes/:id',
      failed: true,
      attributes: { 'error.type': '503' },
    });
    expect(await receiver.until(({ attributes }) => attributes['http.response.status_code'] === 404)).toMatchObject({
      failed: false,
    });
    const refused = await receiver.until(({ attributes }) => attributes['http.response.status_code'] === 401);
    expect(refused).toMatchObject({ name: 'GET', failed: false });
    expect(refused.attributes).not.toHaveProperty('http.route');
  });
});

describe('what a request asks of the controller', () => {
  it('carries the trace: a new Sandbox, in the write that makes it', async () => {
    const created = facade.cluster.nextCreated();
    await facade.request('/sandboxes', {
      body: { user_id: 'bob' },
      headers: { traceparent: TRACEPARENT, prefer: 'respond-async' },
    });
    const span = await receiver.until('POST /sandboxes');
    const sandbox = await created;
    expect(annotationOf(sandbox)).toBe(placeOf(span));
    expect(span.traceId).toBe(TRACE);
    expect(span.attributes).toMatchObject({ sandbox_id: sandbox.metadata.name, user_id: 'bob' });
    expect(facade.cluster.calls).toEqual(['create sandboxes']);
  });

  it.each([
    ['stop', 'DELETE', '/sandboxes/demo', 'DELETE /sandboxes/:id'],
    ['suspend', 'POST', '/sandboxes/demo/suspend', 'POST /sandboxes/:id/suspend'],
    ['resume', 'POST', '/sandboxes/rest/resume', 'POST /sandboxes/:id/resume'],
  ])('carries the trace: %s, in the write that asks for it', async (_what, method, path, name) => {
    facade.cluster.add(aSandbox().status(ready('demo')).build());
    facade.cluster.add(aSandbox('rest').with({ desiredState: 'Suspended' }).status(stopped(true)).build());
    const patched = facade.cluster.nextPatched();
    await facade.request(path, { method, headers: { prefer: 'respond-async' } });
    expect(annotationOf(await patched)).toBe(placeOf(await receiver.until(name)));
    expect(
      facade.cluster.calls.filter((call) => call.startsWith('mergePatch') || call.startsWith('patch')),
    ).toHaveLength(1);
  });

  it('carries none where it asks for nothing, or traces are off', async () => {
    facade.cluster.add(aSandbox().status(ready('demo')).build());
    await facade.request('/sandboxes/demo', { method: 'PATCH', body: { ttl_seconds: 60 } });
    expect(annotationOf(facade.cluster.get('demo'))).toBeUndefined();
    const off = await startFacade();
    const created = off.cluster.nextCreated();
    await off.request('/sandboxes', {
      body: { user_id: 'bob' },
      headers: { traceparent: TRACEPARENT, prefer: 'respond-async' },
    });
    expect((await created).metadata.annotations ?? {}).not.toHaveProperty([ANNOTATION_TRACEPARENT]);
  });
});

describe('what takes long', () => {
  it('ends with the answer: a stream’s with the stream, and what is asked of the daemon is below it', async () => {
    const daemon = await startDaemon({ keys: [FACADE_PUBLIC_KEY] });
    const connections = makeDaemonConnections({ privateKey: FACADE_KEY, clock: systemClock, port: daemon.port });
    const daemons = makeTracedConnections(connections, tracer);
    const long = await startFacade({}, undefined, { tracer, daemons, clock: systemClock });
    long.cluster.add(
      aSandbox()
        .status(ready('pod-1', { podIP: '127.0.0.1', podUid: POD_UID }))
        .build(),
    );

    const answer = await fetch(`${long.url}/sandboxes/demo/exec`, {
      method: 'POST',
      headers: { 'X-API-Key': API_KEY, 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ command: 'echo begun; exec sleep 1000' }),
    });
    const client = await receiver.until('POST /matrx/processes');
    const output = answer.body?.getReader();
    await output?.read();
    tracer.open('while it streams').end();
    await receiver.until('while it streams');
    expect(receiver.spans().map(({ name }) => name)).not.toContain('POST /sandboxes/:id/exec');
    await output?.cancel();
    const server = await receiver.until('POST /sandboxes/:id/exec');
    expect(server.attributes['http.response.status_code']).toBe(200);
    expect(client).toMatchObject({ kind: 'client', traceId: server.traceId, parentSpanId: server.spanId });
    expect(receiver.text()).not.toContain('begun');
    connections.close();
  });

  it('ends with the connection where that is taken over', async () => {
    const daemon = await startDaemon({ keys: [FACADE_PUBLIC_KEY] });
    const daemons = makeDaemonConnections({ privateKey: FACADE_KEY, clock: systemClock, port: daemon.port });
    const long = await startFacade({}, undefined, { tracer, daemons, clock: systemClock });
    long.cluster.add(
      aSandbox()
        .status(ready('pod-1', { podIP: '127.0.0.1', podUid: POD_UID }))
        .build(),
    );
    const socket = openSocket(long.url, '/sandboxes/demo/exec');
    await new Promise((resolve) => socket.socket.once('open', resolve));
    socket.send({ type: 'start', command: 'true' });
    await socket.closed;
    const refused = openSocket(long.url, '/sandboxes/demo/nothing');
    await new Promise((resolve) => refused.socket.once('error', resolve));
    expect(await receiver.until('GET /sandboxes/:id/exec')).toMatchObject({
      kind: 'server',
      attributes: { 'http.response.status_code': 101, sandbox_id: 'demo', user_id: 'ann' },
    });
    expect(await receiver.until('GET')).toMatchObject({ attributes: { 'http.response.status_code': 404 } });
    daemons.close();
  });
});
