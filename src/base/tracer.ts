import type { SpanPlace } from './traceparent.ts';

/** What is known of a piece of work; what is undefined is left out. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanOptions {
  /** `server` answers somebody, `client` asks somebody; `internal` unless given. */
  readonly kind?: 'internal' | 'server' | 'client';
  readonly attributes?: SpanAttributes;
  /** Milliseconds since the epoch; now unless given. */
  readonly startedAt?: number;
  /**
   * The span that this runs in unless given. `none`: the first of a trace of its own. A place: one that another process
   * began, or none where there is none. `awaited`: the work itself finds out, and says so by `join`.
   */
  readonly parent?: 'none' | 'awaited' | { readonly place: SpanPlace | undefined };
}

/** A piece of work that is under way. Nothing here throws. */
export interface Span {
  /** Runs `work` in it: what that begins are its children. */
  readonly run: <T>(work: () => T) => T;
  readonly rename: (name: string) => void;
  readonly note: (attributes: SpanAttributes) => void;
  /** Something that happened in it, now. */
  readonly event: (name: string, attributes?: SpanAttributes) => void;
  /** Whose child a span with an awaited parent is. Means nothing to others, or the second time. */
  readonly join: (parent: SpanPlace | undefined) => void;
  /** Undefined as long as its parent is awaited. */
  readonly place: () => SpanPlace | undefined;
  /** `failure`: a short word for what went wrong (errorType), never a message, which may hold anything. */
  readonly end: (failure?: string) => void;
}

/**
 * OpenTelemetry as far as the product uses it; src/telemetry/otlp has it, and nothing else knows how. Off (`noTracer`)
 * unless an operator names a receiver.
 */
export interface Tracer {
  /** False: whatever would be done for a trace alone need not be done. */
  readonly isOn: boolean;
  /** Begins a span, which its caller ends. */
  readonly open: (name: string, options?: SpanOptions) => Span;
  /** Runs `work` in a span of its own, which ends with it, well or not. */
  readonly span: <T>(name: string, options: SpanOptions, work: () => Promise<T>) => Promise<T>;
  /** The span that this runs in; undefined: none, or one that has ended since. */
  readonly current: () => Span | undefined;
  /** Sends what has not been sent, within a few seconds or not at all. Never rejects. */
  readonly stop: () => Promise<void>;
}

const NO_SPAN: Span = Object.freeze<Span>({
  run: (work) => work(),
  rename: () => undefined,
  note: () => undefined,
  event: () => undefined,
  join: () => undefined,
  place: () => undefined,
  end: () => undefined,
});

/** Does nothing and costs nothing: off. */
export const noTracer: Tracer = Object.freeze<Tracer>({
  isOn: false,
  open: () => NO_SPAN,
  span: (_name, _options, work) => work(),
  current: () => undefined,
  stop: () => Promise.resolve(),
});

/** What kind of error it is, for `error.type`: its reason or code where it has one of a closed set, its class otherwise. */
export const errorType = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown';
  const { reason, code } = error as { readonly reason?: unknown; readonly code?: unknown };
  return (
    [reason, code].find((word): word is string => typeof word === 'string' && /^\w{1,64}$/.test(word)) ?? error.name
  );
};
