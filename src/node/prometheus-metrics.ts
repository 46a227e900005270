import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { SessionState } from '../api/workspace.ts';
import type { NodeMetrics } from './node-metrics.ts';
import type { SessionView } from './session-status.ts';

const RESTORE_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256];
const SCAN_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10];
const CALL_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 90, 120];

/** The driver's own metrics. */
export const makePrometheusMetrics = (registry: Registry): NodeMetrics => {
  const registers = [registry];
  const restores = new Histogram({
    name: 'matrx_restore_seconds',
    help: 'Seconds that a home took to be restored.',
    buckets: RESTORE_SECONDS,
    registers,
  });
  const restoredBytes = new Counter({
    name: 'matrx_restored_bytes_total',
    help: 'Bytes in the homes that were restored.',
    registers,
  });
  const scans = new Histogram({
    name: 'matrx_scan_seconds',
    help: 'Seconds that a scan of a home took.',
    buckets: SCAN_SECONDS,
    registers,
  });
  const commits = new Counter({ name: 'matrx_commits_total', help: 'Commits that were published.', registers });
  const committedBytes = new Counter({
    name: 'matrx_committed_bytes_total',
    help: 'Bytes that commits have stored.',
    registers,
  });
  const failures = new Counter({
    name: 'matrx_session_failures_total',
    help: 'Steps of sessions that failed and are tried again.',
    labelNames: ['step', 'reason'],
    registers,
  });
  const calls = new Histogram({
    name: 'matrx_csi_call_seconds',
    help: 'Seconds that kubelet’s calls took.',
    labelNames: ['method', 'code'],
    buckets: CALL_SECONDS,
    registers,
  });
  return {
    restored: (ms, bytes) => {
      restores.observe(ms / 1000);
      restoredBytes.inc(bytes);
    },
    scanned: (scanMs, committed, bytes) => {
      scans.observe(scanMs / 1000);
      if (!committed) return;
      commits.inc();
      committedBytes.inc(bytes);
    },
    failed: (step, reason) => failures.inc({ step, reason }),
    called: (method, code, ms) => calls.observe({ method, code }, ms / 1000),
  };
};

/** Gauges that ask at each scrape: homes by state, dirty homes, requests by S3 operation. */
export const sampleDriver = (
  registry: Registry,
  sources: {
    readonly views: () => readonly SessionView[];
    readonly requests: () => Readonly<Record<string, number>>;
  },
): void => {
  const registers = [registry];
  const homes = new Gauge({
    name: 'matrx_homes',
    help: 'Homes on this node, by the state of their session.',
    labelNames: ['state'],
    registers,
    collect: () => {
      const states = sources.views().map(({ record }) => record.state);
      for (const state of SessionState.options) {
        homes.set({ state }, states.filter((other) => other === state).length);
      }
    },
  });
  const dirty: Gauge = new Gauge({
    name: 'matrx_dirty_homes',
    help: 'Homes that hold something which is not in the bucket, as far as is known.',
    registers,
    collect: () => dirty.set(sources.views().filter((view) => view.dirty).length),
  });
  const requests = new Counter({
    name: 'matrx_s3_requests_total',
    help: 'Requests sent to S3, by operation.',
    labelNames: ['operation'],
    registers,
    collect: () => {
      requests.reset();
      for (const [operation, count] of Object.entries(sources.requests())) requests.inc({ operation }, count);
    },
  });
};
