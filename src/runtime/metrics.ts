/** A metric as Prometheus knows it. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds in the metric's unit, for a histogram. */
  readonly buckets?: readonly number[];
}

const define = <const D extends Readonly<Record<string, MetricDefinition>>>(definitions: D): D =>
  Object.freeze(definitions);

const QUEUE_SECONDS = [0.000_01, 0.000_1, 0.001, 0.01, 0.1, 1, 10, 60, 600] as const;
const PASS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** What the runtime measures, under the names that dashboards for controller-runtime and client-go expect. */
export const RUNTIME_METRICS = define({
  controller_runtime_reconcile_total: {
    kind: 'counter',
    help: 'Passes by controller and result: success, requeue (the view was old), requeue_after, error, terminal.',
    labels: ['controller', 'result'],
  },
  controller_runtime_reconcile_errors_total: {
    kind: 'counter',
    help: 'Passes that failed and are tried again, but for conflicts.',
    labels: ['controller'],
  },
  controller_runtime_terminal_reconcile_errors_total: {
    kind: 'counter',
    help: 'Passes that failed in a way that only a change can help.',
    labels: ['controller'],
  },
  controller_runtime_reconcile_panics_total: {
    kind: 'counter',
    help: 'Passes and event handlers that threw something unexpected.',
    labels: ['controller'],
  },
  controller_runtime_reconcile_timeouts_total: {
    kind: 'counter',
    help: 'Passes that ran into their deadline.',
    labels: ['controller'],
  },
  controller_runtime_reconcile_time_seconds: {
    kind: 'histogram',
    help: 'Duration of a pass.',
    labels: ['controller'],
    buckets: PASS_SECONDS,
  },
  controller_runtime_max_concurrent_reconciles: {
    kind: 'gauge',
    help: 'Workers of a controller.',
    labels: ['controller'],
  },
  controller_runtime_active_workers: { kind: 'gauge', help: 'Workers in a pass.', labels: ['controller'] },
  workqueue_depth: { kind: 'gauge', help: 'Keys that wait for a worker.', labels: ['name'] },
  workqueue_adds_total: { kind: 'counter', help: 'Keys that became ready.', labels: ['name'] },
  workqueue_retries_total: { kind: 'counter', help: 'Keys that were given back after an error.', labels: ['name'] },
  workqueue_queue_duration_seconds: {
    kind: 'histogram',
    help: 'How long a key waits for a worker.',
    labels: ['name'],
    buckets: QUEUE_SECONDS,
  },
  workqueue_work_duration_seconds: {
    kind: 'histogram',
    help: 'How long a worker has a key.',
    labels: ['name'],
    buckets: QUEUE_SECONDS,
  },
  workqueue_unfinished_work_seconds: {
    kind: 'gauge',
    help: 'Sum of the seconds that the keys now worked on have taken so far.',
    labels: ['name'],
  },
  workqueue_longest_running_processor_seconds: {
    kind: 'gauge',
    help: 'Seconds that the oldest pass under way has taken so far.',
    labels: ['name'],
  },
  informer_relists_total: { kind: 'counter', help: 'Complete lists, by why.', labels: ['resource', 'reason'] },
  informer_watch_failures_total: {
    kind: 'counter',
    help: 'Lists and watches that failed, by KubeError reason.',
    labels: ['resource', 'reason'],
  },
  informer_stale_events_total: {
    kind: 'counter',
    help: 'Events older than what the cache holds; they are dropped.',
    labels: ['resource'],
  },
  informer_cache_misses_total: {
    kind: 'counter',
    help: 'Differences that only a resync found: events that were lost.',
    labels: ['resource'],
  },
  informer_objects: { kind: 'gauge', help: 'Objects in the cache.', labels: ['resource'] },
  informer_last_event_age_seconds: {
    kind: 'gauge',
    help: 'Seconds since the API server last sent anything, bookmarks included.',
    labels: ['resource'],
  },
  leader_election_master_status: { kind: 'gauge', help: '1 while this process leads.', labels: ['name'] },
  events_discarded_total: {
    kind: 'counter',
    help: 'Kubernetes events that were not sent, by why.',
    labels: ['reason'],
  },
});

export type RuntimeMetricName = keyof typeof RUNTIME_METRICS;
type NamesOf<K extends MetricDefinition['kind']> = {
  [N in RuntimeMetricName]: (typeof RUNTIME_METRICS)[N]['kind'] extends K ? N : never;
}[RuntimeMetricName];
type LabelsOf<N extends RuntimeMetricName> = Readonly<Record<(typeof RUNTIME_METRICS)[N]['labels'][number], string>>;

/** Where the runtime's numbers go. */
export interface RuntimeMetrics {
  readonly count: <N extends NamesOf<'counter'>>(name: N, labels: LabelsOf<N>, by?: number) => void;
  /** Seconds. */
  readonly observe: <N extends NamesOf<'histogram'>>(name: N, labels: LabelsOf<N>, seconds: number) => void;
  /** `read` is asked at each scrape, for as long as the process lives. */
  readonly sample: <N extends NamesOf<'gauge'>>(name: N, labels: LabelsOf<N>, read: () => number) => void;
}

export const noMetrics: RuntimeMetrics = Object.freeze({
  count: () => undefined,
  observe: () => undefined,
  sample: () => undefined,
});
