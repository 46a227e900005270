import { expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { makeRequestMetrics } from '../../src/facade/request-metrics.ts';
import { aSandbox } from '../support/resources.ts';
import { startFacade } from './support/facade.ts';

it('requests are counted by route, so that ids do not become labels', async () => {
  const registry = new Registry();
  const facade = await startFacade({}, makeRequestMetrics(registry));
  facade.cluster.add(aSandbox().build());
  await facade.request('/sandboxes/demo');
  await facade.request('/sandboxes/none');
  await facade.request('/nothing/at/all');
  await facade.request('/health', { headers: { 'X-API-Key': null } });
  const text = await registry.metrics();
  const counted = text.split('\n').filter((line) => line.startsWith('http_requests_total{'));
  expect(counted).toEqual([
    'http_requests_total{method="GET",route="/sandboxes/:id",status="200"} 1',
    'http_requests_total{method="GET",route="/sandboxes/:id",status="404"} 1',
    'http_requests_total{method="GET",route="none",status="404"} 1',
    'http_requests_total{method="GET",route="/health",status="200"} 1',
  ]);
  expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/sandboxes/:id"} 2');
});
