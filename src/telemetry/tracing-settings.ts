/** Where spans go, and which: src/config/tracing.ts reads it. */
export interface TracingSettings {
  /** Takes OTLP traces as JSON. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds that a batch may take, with the tries again. */
  readonly timeoutMs: number;
  readonly sampler: {
    readonly root: 'always_on' | 'always_off' | 'traceidratio';
    readonly ratio: number;
    /** Whether a span that was begun elsewhere is recorded if it is there. */
    readonly followsParent: boolean;
  };
  /** Undefined: `matrx-<component>`. */
  readonly serviceName: string | undefined;
  readonly resource: Readonly<Record<string, string>>;
}
