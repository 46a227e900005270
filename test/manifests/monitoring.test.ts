import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { makeRequestMetrics } from '../../src/facade/request-metrics.ts';
import { makeWebhookMetrics } from '../../src/facade/webhooks/webhook-metrics.ts';
import { makePrometheusMetrics, sampleDriver } from '../../src/node/prometheus-metrics.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { goTool } from '../../scripts/go-tools.ts';
import { type Manifest, render, ROOT } from './render.ts';

/** Of every part of the product, as each serves them. */
const { registry } = makeMetrics();
makePrometheusMetrics(registry);
sampleDriver(registry, { views: () => [], requests: () => ({}) });
makeRequestMetrics(registry);
makeWebhookMetrics(registry);

/** Prometheus adds these to what it scrapes by the PodMonitor. */
const TARGET_LABELS = ['job', 'pod', 'container', 'node', 'namespace', 'instance', 'le'];
const WORDS = ['and', 'or', 'unless', 'on', 'by', 'without', 'ignoring'];

interface Selection {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** The metrics that an expression names, each with all labels that the expression uses. */
const selectionsOf = (expression: string): readonly Selection[] => {
  const matchers = [...expression.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label);
  const groups = [...expression.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/));
  const bare = expression
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(?:by|on)\s*\([^)]*\)/g, ' ');
  const metrics = [...bare.matchAll(/[a-z_]\w*(?!\w*\s*\()/gi)]
    .map(([word]) => word)
    .filter((word) => !WORDS.includes(word));
  return metrics.map((metric) => ({ metric, labels: [...new Set([...matchers, ...groups])] }));
};

const faultsOf = (expression: string): readonly string[] =>
  selectionsOf(expression).flatMap(({ metric, labels }) => {
    if (metric === 'up') return [];
    const known =
      registry.getSingleMetric(metric.replace(/_(bucket|sum|count)$/, '')) ?? registry.getSingleMetric(metric);
    if (known === undefined) return [`${metric} is no metric of the product`];
    const own = (known as unknown as { readonly labelNames: readonly string[] }).labelNames;
    return labels
      .filter((label) => !own.includes(label) && !TARGET_LABELS.includes(label))
      .map((label) => `${metric} has no label ${label}`);
  });

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly description: string };
}

let manifests: readonly Manifest[];
let rules: readonly Rule[];
let expressions: readonly string[];
beforeAll(async () => {
  await goTool('kustomize');
  manifests = await render('manifests/examples/install/eks');
  rules = manifests
    .filter(({ kind }) => kind === 'PrometheusRule')
    .flatMap(({ spec }) => spec?.['groups'] as readonly { readonly rules: readonly Rule[] }[])
    .flatMap((group) => group.rules);
  const dashboard = manifests.find(({ metadata }) => metadata.name === 'matrx-dashboard')?.data?.['matrx-sandbox.json'];
  const { panels } = JSON.parse(dashboard ?? '') as {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
  };
  expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}, 600_000);

describe('the monitoring component', () => {
  it('alerts and draws by metrics and labels that the product has', () => {
    expect(expressions.length).toBeGreaterThan(10);
    expect([...rules.map(({ expr }) => expr), ...expressions].flatMap(faultsOf)).toEqual([]);
  });

  it('has an alert in docs/operations.md for each that there is, and no other', () => {
    const document = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    const explained = [...document.matchAll(/^\| `(Matrx\w+)`/gm)].map(([, alert = '']) => alert);
    expect(explained.toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
  });

  it('scrapes all three workloads, at a port that they have', () => {
    const monitor = manifests.find(({ kind }) => kind === 'PodMonitor')?.spec as {
      readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
      readonly podMetricsEndpoints: readonly { readonly port: string }[];
    };
    const ports = manifests
      .filter(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet')
      .map(({ metadata, spec }) => {
        const { template } = spec as {
          readonly template: {
            readonly metadata: { readonly labels: Readonly<Record<string, string>> };
            readonly spec: { readonly containers: readonly { readonly ports: readonly { readonly name: string }[] }[] };
          };
        };
        expect(template.metadata.labels).toMatchObject(monitor.selector.matchLabels);
        return [metadata.name, template.spec.containers.flatMap((one) => one.ports.map(({ name }) => name))] as const;
      });
    expect(ports.map(([name]) => name).toSorted()).toEqual(['matrx-controller', 'matrx-facade', 'matrx-node']);
    for (const [, names] of ports) expect(names).toContain(monitor.podMetricsEndpoints[0]?.port);
  });

  it('lets the node driver listen where Prometheus and kubelet ask: at the node’s address', () => {
    const daemon = JSON.stringify(manifests.find(({ kind }) => kind === 'DaemonSet'));
    expect(daemon).toContain('{"name":"MATRX_HTTP_HOST","valueFrom":{"fieldRef":{"fieldPath":"status.hostIP"}}}');
    expect(daemon).not.toContain('127.0.0.1');
  });
});

it('a metric or a label that there is not is found', () => {
  expect(faultsOf('rate(matrx_commits[5m])')).toEqual(['matrx_commits is no metric of the product']);
  expect(faultsOf('sum by (color) (matrx_homes{state="Open"})')).toEqual(['matrx_homes has no label color']);
  expect(faultsOf('histogram_quantile(0.9, sum by (le) (rate(matrx_restore_seconds_bucket[5m]))) > 60')).toEqual([]);
});
