import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadTracingConfig } from '../../src/config/tracing.ts';
import type { SpanPlace } from '../../src/base/traceparent.ts';
import type { Tracer } from '../../src/base/tracer.ts';
import { spanFields } from '../../src/telemetry/tracing.ts';
import { makeRecordingLog } from '../support/recording-log.ts';
import { makeVirtualClock } from '../support/virtual-clock.ts';
import { startTraceReceiver, type TraceReceiver, traceTo } from '../support/trace-receiver.ts';

const PLACE: SpanPlace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true };

let receiver: TraceReceiver;
let tracers: Tracer[];
const tracer = (...more: Parameters<typeof traceTo> extends [string, ...infer R] ? R : never): Tracer => {
  const made = traceTo(receiver.endpoint, ...more);
  tracers.push(made);
  return made;
};

beforeEach(async () => {
  receiver = await startTraceReceiver();
  tracers = [];
});

afterEach(async () => {
  await Promise.all(tracers.map(({ stop }) => stop()));
  await receiver.close();
});

describe('spans', () => {
  it('are children of those they run in, and carry what is noted of them and how they ended', async () => {
    const traced = tracer();
    const failing = traced.span(
      'outer',
      { kind: 'server', attributes: { sandbox_id: 'sbx-1', left: undefined } },
      async () => {
        await traced.span('inner', { kind: 'client' }, () => Promise.resolve());
        traced.current()?.note({ files: 3 });
        traced.current()?.event('createPod', { pod: 'p' });
        throw Object.assign(new Error('says too much'), { reason: 'Conflict' });
      },
    );
    await expect(failing).rejects.toThrow('says too much');
    const outer = await receiver.until('outer');
    const inner = await receiver.until('inner');
    expect(outer).toMatchObject({
      kind: 'server',
      parentSpanId: '',
      failed: true,
      attributes: { sandbox_id: 'sbx-1', files: 3, 'error.type': 'Conflict' },
      events: [{ name: 'createPod', attributes: { pod: 'p' } }],
      resource: { 'service.name': 'test' },
    });
    expect(outer.attributes).not.toHaveProperty('left');
    expect(inner).toMatchObject({ kind: 'client', traceId: outer.traceId, parentSpanId: outer.spanId, failed: false });
    expect(receiver.text()).not.toContain('too much');
  });

  it('go on where another process says, unless that records nothing', async () => {
    const traced = tracer();
    traced.open('here', { parent: { place: PLACE } }).end();
    traced.open('unrecorded', { parent: { place: { ...PLACE, sampled: false } } }).end();
    expect(await receiver.until('here')).toMatchObject({ traceId: PLACE.traceId, parentSpanId: PLACE.spanId });
    await traced.stop();
    expect(receiver.spans().map(({ name }) => name)).toEqual(['here']);
  });

  it('with an awaited parent keep what is said until it is known, and have no place until then', async () => {
    const traced = tracer();
    const span = traced.open('publish', { parent: 'awaited', attributes: { a: 1 } });
    span.run(() => {
      expect(traced.current()?.place()).toBeUndefined();
      span.note({ b: 2 });
      traced.current()?.join(PLACE);
      traced.current()?.join(undefined);
      expect(traced.current()?.place()?.traceId).toBe(PLACE.traceId);
    });
    span.end();
    traced.open('never told', { parent: 'awaited' }).end('Unavailable');
    expect(await receiver.until('publish')).toMatchObject({
      parentSpanId: PLACE.spanId,
      attributes: { a: 1, b: 2 },
    });
    expect(await receiver.until('never told')).toMatchObject({ parentSpanId: '', failed: true });
  });

  it('that have ended are nobody’s: what was begun in them and goes on is in no span, and its log says so', () => {
    const traced = tracer();
    const span = traced.open('request');
    const later = span.run(() => {
      expect(spanFields(traced)).toEqual({ trace_id: span.place()?.traceId, span_id: span.place()?.spanId });
      return Promise.resolve().then(() => [traced.current(), spanFields(traced)]);
    });
    span.end();
    return expect(later).resolves.toEqual([undefined, {}]);
  });

  it('are a share of the traces where that is asked for, whole traces each', async () => {
    const traced = tracer({ sampler: { root: 'traceidratio', ratio: 0.5, followsParent: true } });
    for (let count = 0; count < 200; count++) {
      await traced.span('parent', { parent: 'none' }, () => traced.span('child', {}, () => Promise.resolve()));
    }
    await traced.stop();
    const named = (wanted: string) => receiver.spans().filter(({ name }) => name === wanted);
    expect(named('parent').length).toBeGreaterThan(50);
    expect(named('parent').length).toBeLessThan(150);
    expect(new Set(named('child').map(({ traceId }) => traceId))).toEqual(
      new Set(named('parent').map(({ traceId }) => traceId)),
    );
  });
});

describe('a receiver', () => {
  it('gets the headers and the resource that the environment names', async () => {
    const config = loadTracingConfig({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.endpoint}/`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b,authorization=Bearer%20t',
    });
    if (config === undefined) throw new Error('off');
    tracer({ ...config, resource: { 'service.name': 'named' } })
      .open('one')
      .end();
    expect((await receiver.until('one')).resource).toMatchObject({ 'service.name': 'named' });
    expect(receiver.headers()[0]).toMatchObject({ 'x-tenant': 'a b', authorization: 'Bearer t' });
  });

  it('that refuses costs one warning, however many batches, and nobody hears of it', async () => {
    const log = makeRecordingLog();
    receiver.answer((response) => void response.writeHead(401).end());
    const traced = tracer({ log });
    for (let batch = 0; batch < 3; batch++) {
      traced.open(`batch ${batch}`).end();
      await receiver.until(`batch ${batch}`);
    }
    await traced.stop();
    expect(log.lines).toEqual([
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('OTEL_EXPORTER_OTLP_ENDPOINT') }),
    ]);
  });

  it('that never answers: spans are dropped beyond what the queue holds, and the end waits two seconds for it', async () => {
    receiver.answer(() => undefined);
    const clock = makeVirtualClock();
    const traced = tracer({ clock, timeoutMs: 60_000 });
    for (let count = 0; count < 10_000; count++) traced.open('span').end();
    const stopped = traced.stop();
    await clock.advance(2_000);
    await stopped;
    expect(receiver.spans().length).toBeLessThanOrEqual(4096);
  });

  it('that is not there: work goes on, and the end comes', async () => {
    const port = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const found = (server.address() as AddressInfo).port;
        server.close(() => resolve(found));
      });
    });
    const log = makeRecordingLog();
    const traced = traceTo(`http://127.0.0.1:${port}`, { log, timeoutMs: 100 });
    expect(await traced.span('work', {}, () => Promise.resolve(7))).toBe(7);
    await traced.stop();
    expect(log.lines.map(({ fields }) => fields)).toEqual([expect.objectContaining({ reason: expect.any(String) })]);
  });
});
