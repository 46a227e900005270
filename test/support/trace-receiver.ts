import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { makeOtlpTracer, type OtlpTracerOptions } from '../../src/telemetry/otlp/otlp-tracer.ts';
import type { Tracer } from '../../src/base/tracer.ts';
import { makeRecordingLog } from './recording-log.ts';

export interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** `''`: the first of its trace. */
  readonly parentSpanId: string;
  readonly kind: 'internal' | 'server' | 'client';
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly failed: boolean;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A real receiver of OTLP over HTTP, with JSON, on a free port. */
export interface TraceReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  readonly spans: () => readonly ReceivedSpan[];
  /** The first span, received or to come, that is of this name or `matches`. Rejects after a minute. */
  readonly until: (matches: string | ((span: ReceivedSpan) => boolean)) => Promise<ReceivedSpan>;
  readonly headers: () => readonly IncomingHttpHeaders[];
  /** All that was received, as text: for what must not be in it. */
  readonly text: () => string;
  /** What every further request is answered; unless given, that all is well. */
  readonly answer: (respond: (response: ServerResponse) => void) => void;
  readonly close: () => Promise<void>;
}

const WAIT_MS = 60_000;

export const startTraceReceiver = async (): Promise<TraceReceiver> => {
  const spans: ReceivedSpan[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const bodies: string[] = [];
  const sockets = new Set<Socket>();
  let listeners: readonly (() => void)[] = [];
  let respond = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  };
  const server = createServer((request, response) => {
    const receive = async (): Promise<void> => {
      const body = await text(request);
      headers.push(request.headers);
      bodies.push(body);
      if (request.url === '/v1/traces') spans.push(...readSpans(JSON.parse(body) as Otlp));
      respond(response);
      for (const listener of listeners) listener();
    };
    receive().catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const until: TraceReceiver['until'] = (wanted) => {
    const matches = typeof wanted === 'string' ? ({ name }: ReceivedSpan): boolean => name === wanted : wanted;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = spans.find(matches);
        if (found === undefined) return;
        clearTimeout(timer);
        listeners = listeners.filter((other) => other !== look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        const seen = spans.map(({ name }) => name).join(', ');
        reject(new Error(`no span ${wanted.toString()} within ${WAIT_MS} ms; received: ${seen}`));
      }, WAIT_MS);
      listeners = [...listeners, look];
      look();
    });
  };
  return {
    endpoint,
    spans: () => spans,
    until,
    headers: () => headers,
    text: () => bodies.join('\n'),
    answer: (next) => {
      respond = next;
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};

/** A tracer that sends what it has at once. */
export const traceTo = (endpoint: string, options: Partial<OtlpTracerOptions> = {}): Tracer =>
  makeOtlpTracer({
    url: `${endpoint}/v1/traces`,
    headers: {},
    timeoutMs: 1_000,
    sampler: { root: 'always_on', ratio: 1, followsParent: true },
    resource: { 'service.name': 'test' },
    log: makeRecordingLog(),
    batchMs: 1,
    ...options,
  });

/** The part of the protocol that is read: opentelemetry-proto's trace/v1, as JSON. */
interface Otlp {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}
interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly attributes?: readonly OtlpAttribute[];
  readonly events?: readonly { readonly name: string; readonly attributes?: readonly OtlpAttribute[] }[];
  readonly status?: { readonly code?: number };
}

const KINDS: Readonly<Record<number, ReceivedSpan['kind']>> = { 2: 'server', 3: 'client' };

const readSpans = ({ resourceSpans }: Otlp): readonly ReceivedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, traceId, spanId, parentSpanId = '', kind, attributes, events = [], status }) => ({
        name,
        traceId,
        spanId,
        parentSpanId,
        kind: KINDS[kind] ?? 'internal',
        attributes: readAttributes(attributes),
        events: events.map((event) => ({ name: event.name, attributes: readAttributes(event.attributes) })),
        failed: status?.code === 2,
        resource: readAttributes(resource.attributes),
      })),
    ),
  );

const readAttributes = (attributes: readonly OtlpAttribute[] = []): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
