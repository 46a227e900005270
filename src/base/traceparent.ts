/** Where a span is in a trace, as W3C Trace Context says it: https://www.w3.org/TR/trace-context/#traceparent-header. */
export interface SpanPlace {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Whether whoever began the trace records it. */
  readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const ONLY_ZEROS = /^0+$/;

/**
 * What a `traceparent` says; undefined where it is malformed in any way. Only the version that there is: what a later one
 * may append is nothing that this reads, and anybody may have written it.
 */
export const parseTraceparent = (text: string | undefined): SpanPlace | undefined => {
  const [, version, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(text ?? '') ?? [];
  if (version !== '00' || ONLY_ZEROS.test(traceId) || ONLY_ZEROS.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
};

export const formatTraceparent = ({ traceId, spanId, sampled }: SpanPlace): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
