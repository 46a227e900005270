import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type MetricDefinition, RUNTIME_METRICS, type RuntimeMetrics } from '../runtime/metrics.ts';

export interface Metrics {
  /** What /metrics serves. Further metrics are made on it with prom-client. */
  readonly registry: Registry;
  /** For src/runtime. */
  readonly runtime: RuntimeMetrics;
  /** For KubeClientOptions.onRequest: rest_client_requests_total and its duration. */
  readonly onKubeRequest: (request: KubeRequest) => void;
}

export interface KubeRequest {
  readonly method: string;
  readonly host: string;
  /** 0 where no answer came. */
  readonly code: number;
  readonly durationMs: number;
}

const REQUEST_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30];

/**
 * A registry of its own for each process (prom-client's global one would make two in a test collide), with the
 * process's own metrics: CPU, memory, handles, event loop lag.
 */
export const makeMetrics = (): Metrics => {
  const registry = new Registry();
  // By default each process would wake up a hundred times a second to look at its event loop's lag.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server, by status code; <error> where none came.',
    labelNames: ['code', 'method', 'host'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'Seconds until the headers of the API server’s answer.',
    labelNames: ['method'],
    buckets: REQUEST_SECONDS,
    registers: [registry],
  });
  return {
    registry,
    runtime: makeRuntimeMetrics(registry),
    onKubeRequest: ({ method, host, code, durationMs }) => {
      requests.inc({ code: code === 0 ? '<error>' : String(code), method, host });
      durations.observe({ method }, durationMs / 1000);
    },
  };
};

/** Prometheus metrics from the runtime's table: a row there is a metric here. */
export const makeRuntimeMetrics = (registry: Registry): RuntimeMetrics => {
  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();
  const samples = new Map<string, ReturnType<typeof makeSampledGauge>>();
  for (const [name, definition] of Object.entries<MetricDefinition>(RUNTIME_METRICS)) {
    const { kind, help, labels, buckets } = definition;
    const common = { name, help, labelNames: [...labels], registers: [registry] };
    if (kind === 'counter') counters.set(name, new Counter(common));
    else if (kind === 'gauge') samples.set(name, makeSampledGauge(common));
    else histograms.set(name, new Histogram({ ...common, ...(buckets !== undefined && { buckets: [...buckets] }) }));
  }
  return {
    count: (name, labels, by = 1) => counters.get(name)?.inc(labels, by),
    observe: (name, labels, seconds) => histograms.get(name)?.observe(labels, seconds),
    sample: (name, labels, read) => samples.get(name)?.(labels, read),
  };
};

/** A gauge that asks at each scrape. One reader per set of labels: a new one takes the place of the old. */
const makeSampledGauge = (common: {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: Registry[];
}): ((labels: Readonly<Record<string, string>>, read: () => number) => void) => {
  const readers = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly read: () => number }>();
  const gauge = new Gauge({
    ...common,
    collect: () => {
      for (const { labels, read } of readers.values()) gauge.set(labels, read());
    },
  });
  return (labels, read) => {
    readers.set(JSON.stringify(labels), { labels, read });
  };
};
