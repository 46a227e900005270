import type { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer as OtelTracer,
} from '@opentelemetry/api';
import type { SpanPlace } from '../../base/traceparent.ts';
import type { Span, SpanAttributes, SpanOptions } from '../../base/tracer.ts';

/** A span, and whether it goes on: whatever was begun in one that has ended is in no span. */
export interface Running {
  readonly span: Span;
  readonly hasEnded: () => boolean;
}

export interface OpenSpanOptions {
  readonly name: string;
  readonly options: SpanOptions;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly current: Span | undefined;
}

const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT } as const;

/**
 * A span on OpenTelemetry's. One with an awaited parent is begun only when that is told, or at its end, as of the time at
 * which it was opened: until then what it is told is kept here, and it has no place that anything could be below.
 */
export const openSpan = (
  tracer: OtelTracer,
  running: AsyncLocalStorage<Running>,
  { name, options, now, current }: OpenSpanOptions,
): Span => {
  // Where nothing is said, OpenTelemetry's own clock is finer.
  const startTime = options.startedAt ?? (options.parent === 'awaited' ? now : undefined);
  let kept: { name: string; readonly attributes: Record<string, string | number | boolean> } | undefined = {
    name,
    attributes: present(options.attributes),
  };
  let begun: OtelSpan | undefined;
  let ended = false;

  const begin = (parent: SpanPlace | undefined, isRemote = true): OtelSpan => {
    const { kind = 'internal' } = options;
    const settings = {
      kind: KINDS[kind],
      attributes: kept?.attributes ?? {},
      ...(startTime !== undefined && { startTime }),
    };
    begun = tracer.startSpan(kept?.name ?? name, settings, contextOf(parent, isRemote));
    kept = undefined;
    return begun;
  };

  const place = (): SpanPlace | undefined => {
    if (begun === undefined) return undefined;
    const { traceId, spanId, traceFlags } = begun.spanContext();
    return { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 };
  };

  const span: Span = {
    run: (work) => running.run({ span, hasEnded: () => ended }, work),
    rename: (next) => {
      if (kept === undefined) begun?.updateName(next);
      else kept.name = next;
    },
    note: (attributes) => {
      if (kept === undefined) begun?.setAttributes(present(attributes));
      else Object.assign(kept.attributes, present(attributes));
    },
    event: (what, attributes) => void begun?.addEvent(what, present(attributes)),
    join: (parent) => {
      if (begun === undefined) begin(parent);
    },
    place,
    end: (failure) => {
      if (ended) return;
      ended = true;
      const over = begun ?? begin(undefined);
      if (failure !== undefined) over.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', failure);
      over.end();
    },
  };
  const { parent } = options;
  if (parent === undefined) begin(current?.place(), false);
  else if (parent === 'none') begin(undefined);
  else if (parent !== 'awaited') begin(parent.place);
  return span;
};

const contextOf = (parent: SpanPlace | undefined, isRemote: boolean) =>
  parent === undefined
    ? ROOT_CONTEXT
    : trace.setSpanContext(ROOT_CONTEXT, {
        traceId: parent.traceId,
        spanId: parent.spanId,
        traceFlags: parent.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
        isRemote,
      });

const present = (attributes: SpanAttributes = {}): Attributes & Record<string, string | number | boolean> =>
  Object.fromEntries(
    Object.entries(attributes).filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined),
  );
