import { expect, test } from '@jest/globals';
import { controllerWrites, WRITES_SCHEMA, writesByResource } from './api-server-metrics.ts';
import { parsePrometheusText } from './prometheus-text.ts';

const TEXT = `# HELP apiserver_request_total [STABLE] Counter of requests.
# TYPE apiserver_request_total counter
apiserver_request_total{code="201",resource="pods",subresource="",verb="POST",note="a \\"b\\", {c}"} 3
apiserver_request_total{code="409",resource="pods",subresource="",verb="POST"} 1
apiserver_request_total{code="200",resource="pods",subresource="status",verb="PATCH"} 5
apiserver_request_total{code="200",resource="pods",subresource="",verb="WATCH"} 7
apiserver_flowcontrol_dispatched_requests_total{flow_schema="${WRITES_SCHEMA}",priority_level="workload-low"} 1.2e+02
apiserver_flowcontrol_dispatched_requests_total{flow_schema="exempt",priority_level="exempt"} 900
up 1
`;

test('samples are read with labels that hold quotes and braces, and without any', () => {
  const samples = parsePrometheusText(TEXT);
  expect(samples).toHaveLength(7);
  expect(samples[0]).toMatchObject({ name: 'apiserver_request_total', value: 3, labels: { verb: 'POST' } });
  expect(samples.at(-1)).toEqual({ name: 'up', labels: {}, value: 1 });
});

test('the controller’s writes are those of its own flow schema, and everybody’s are told by resource, whatever came of them', () => {
  const samples = parsePrometheusText(TEXT);
  expect(controllerWrites(samples)).toBe(120);
  expect([...writesByResource(samples)]).toEqual([
    ['POST pods', 4],
    ['PATCH pods/status', 5],
  ]);
});
