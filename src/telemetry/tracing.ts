import { hostname } from 'node:os';
import { noTracer, type Tracer } from '../base/tracer.ts';
import { type Log, type LogOptions, makeLog } from './log.ts';
import type { TracingSettings } from './tracing-settings.ts';

export interface LogAndTracerOptions extends LogOptions {
  /** Undefined: off, and then nothing of OpenTelemetry is loaded. */
  readonly tracing: TracingSettings | undefined;
  readonly version: string;
}

/** A process's log and its tracer. They know each other: a line that is written in a span carries trace_id and span_id. */
export const openLogAndTracer = async ({
  tracing,
  version,
  ...options
}: LogAndTracerOptions): Promise<{ readonly log: Log; readonly tracer: Tracer }> => {
  if (tracing === undefined) return { log: makeLog(options), tracer: noTracer };
  const { makeOtlpTracer } = await import('./otlp/otlp-tracer.ts');
  let tracer = noTracer;
  const log = makeLog({ ...options, context: () => spanFields(tracer) });
  const resource = {
    'service.instance.id': `${hostname()}-${process.pid}`,
    'service.version': version,
    ...tracing.resource,
    'service.name': tracing.serviceName ?? `matrx-${options.component}`,
  };
  tracer = makeOtlpTracer({ ...tracing, resource, log });
  return { log, tracer };
};

/** What tells of the span that a log line is written in. */
export const spanFields = (tracer: Tracer): object => {
  const place = tracer.current()?.place();
  return place === undefined ? {} : { trace_id: place.traceId, span_id: place.spanId };
};
