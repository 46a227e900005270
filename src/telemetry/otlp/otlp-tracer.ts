import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { type Clock, systemClock } from '../../base/clock.ts';
import { withDeadline } from '../../base/deadline.ts';
import { errorType, type Tracer } from '../../base/tracer.ts';
import type { RuntimeLog } from '../../runtime/log.ts';
import type { TracingSettings } from '../tracing-settings.ts';
import { openSpan, type Running } from './open-span.ts';
import { makeQuietExporter } from './quiet-exporter.ts';

export interface OtlpTracerOptions extends Omit<TracingSettings, 'serviceName' | 'resource'> {
  /** Of the resource: `service.name` and what else tells this process from others. */
  readonly resource: Readonly<Record<string, string>>;
  readonly log: Pick<RuntimeLog, 'warn'>;
  readonly clock?: Clock;
  /** Milliseconds for which spans are collected; 2000 unless given. */
  readonly batchMs?: number;
}

/** Spans that wait, at most; more are dropped. Some 2 MB. */
const QUEUE = 2048;
const BATCH_MS = 2_000;
/** Milliseconds for what has not been sent when the process ends. */
const FLUSH_MS = 2_000;

/** Spans to a receiver of OTLP over HTTP, in batches and in the background: what is traced never waits for it. */
export const makeOtlpTracer = (options: OtlpTracerOptions): Tracer => {
  const { url, headers, timeoutMs, resource, log, clock = systemClock, batchMs = BATCH_MS } = options;
  const agent = new (url.startsWith('https:') ? TlsAgent : Agent)({ keepAlive: true });
  const exporter = new OTLPTraceExporter({
    url,
    headers: { ...headers },
    timeoutMillis: timeoutMs,
    httpAgentOptions: () => agent,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes(resource),
    sampler: samplerOf(options.sampler),
    spanLimits: { attributeValueLengthLimit: 1024 },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: makeQuietExporter(exporter, { url, clock, log }),
        maxQueueSize: QUEUE,
        scheduledDelayMillis: batchMs,
        exportTimeoutMillis: timeoutMs * 2,
      }),
    ],
  });
  const otel = provider.getTracer('matrx-sandbox');
  const running = new AsyncLocalStorage<Running>();

  const current: Tracer['current'] = () => {
    const found = running.getStore();
    return found === undefined || found.hasEnded() ? undefined : found.span;
  };
  const open: Tracer['open'] = (name, spanOptions = {}) =>
    openSpan(otel, running, { name, options: spanOptions, now: clock.now(), current: current() });

  return {
    isOn: true,
    open,
    span: async (name, spanOptions, work) => {
      const span = open(name, spanOptions);
      try {
        const result = await span.run(work);
        span.end();
        return result;
      } catch (error) {
        span.end(errorType(error));
        throw error;
      }
    },
    current,
    stop: async () => {
      const what = { what: 'sending the last spans', ms: FLUSH_MS };
      await withDeadline(clock, what, () => provider.shutdown()).catch(() => undefined);
      endConnections(agent);
    },
  };
};

/** With an error that is not of the network: on one of those the exporter would wait, and send again. */
const endConnections = (agent: Agent): void => {
  for (const socket of Object.values(agent.sockets).flatMap((sockets) => sockets ?? [])) {
    socket.destroy(new Error('the process ends'));
  }
  agent.destroy();
};

const samplerOf = ({ root, ratio, followsParent }: OtlpTracerOptions['sampler']): Sampler => {
  const roots = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio),
  };
  const sampler = roots[root]();
  return followsParent ? new ParentBasedSampler({ root: sampler }) : sampler;
};
