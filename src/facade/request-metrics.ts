import { Counter, Histogram, type Registry } from 'prom-client';
import type { RequestReport } from './dependencies.ts';

/** Up to the longest a request may take: a wait or a command of 600 s. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600];

/** http_requests_total and http_request_duration_seconds, by route and never by path. */
export const makeRequestMetrics = (registry: Registry): ((report: RequestReport) => void) => {
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests that were answered; 499 where the client left before.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Seconds from the head of a request to the end of its work, waits included.',
    labelNames: ['method', 'route'],
    buckets: SECONDS,
    registers: [registry],
  });
  return ({ method, route, status, seconds }) => {
    requests.inc({ method, route, status: String(status) });
    durations.observe({ method, route }, seconds);
  };
};
