import { generateKeyPairSync } from 'node:crypto';
import { basename } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { loadControllerConfig } from '../../src/config/controller.ts';
import { loadFacadeConfig } from '../../src/config/facade.ts';
import { loadNodeConfig } from '../../src/config/node.ts';
import { goTool } from '../../scripts/go-tools.ts';
import { differences } from './differences.ts';
import { COMPONENTS, type Manifest, OVERLAYS, render, withComponent } from './render.ts';

let base: readonly Manifest[];
beforeAll(async () => {
  await goTool('kustomize');
  base = await render('manifests/base');
}, 600_000);

const SPREAD = [
  '+ PodDisruptionBudget matrx-system/matrx-controller',
  '+ PodDisruptionBudget matrx-system/matrx-facade',
  'Deployment matrx-system/matrx-controller spec.template.spec.topologySpreadConstraints',
  'Deployment matrx-system/matrx-facade spec.template.spec.topologySpreadConstraints',
];

const ONE_FACADE = [
  'Deployment matrx-system/matrx-facade spec.replicas',
  'Deployment matrx-system/matrx-facade spec.strategy',
  'Deployment matrx-system/matrx-facade spec.template.spec.containers.facade.ports.http.hostPort',
];

const OVERLAY_CHANGES: Readonly<Record<string, readonly string[]>> = {
  dev: [
    'SandboxTemplate sandboxes/default spec.resources.requests.cpu',
    'SandboxTemplate sandboxes/default spec.resources.requests.memory',
  ],
  'aws-single-node': ONE_FACADE,
  'aws-multi-node': [
    ...SPREAD,
    ...ONE_FACADE,
    'Deployment matrx-system/matrx-facade spec.template.spec.nodeSelector',
  ].toSorted(),
  'multi-node': SPREAD,
  eks: [...SPREAD, 'ServiceAccount matrx-system/matrx-node metadata.annotations'],
};

describe('what an overlay changes of the base', () => {
  it.each(OVERLAYS)('%s: this and nothing else', async (overlay) => {
    expect(differences(base, await render(overlay))).toEqual(OVERLAY_CHANGES[basename(overlay)]);
  });

  it('no overlay defines what an installation brings: its settings and its secrets', async () => {
    for (const overlay of OVERLAYS) {
      const names = (await render(overlay)).map(({ metadata }) => metadata.name);
      expect(names.filter((name) => /^matrx-(config|facade-key|api-key|s3-credentials)$/.test(name))).toEqual([]);
    }
  });
});

const COMPONENT_CHANGES: Readonly<Record<string, readonly string[]>> = {
  'cold-web-identity': [
    'CSIDriver workspace.matrx.dev spec.requiresRepublish',
    'CSIDriver workspace.matrx.dev spec.tokenRequests.1',
  ],
  gvisor: ['+ RuntimeClass gvisor', '+ SandboxTemplate sandboxes/gvisor'],
  ingress: ['+ Ingress matrx-system/matrx-facade'],
  monitoring: [
    '+ ConfigMap matrx-system/matrx-dashboard',
    '+ PodMonitor matrx-system/matrx-sandbox',
    '+ PrometheusRule matrx-system/matrx-sandbox',
    'DaemonSet matrx-system/matrx-node spec.template.spec.containers.node.env.MATRX_HTTP_HOST.value',
    'DaemonSet matrx-system/matrx-node spec.template.spec.containers.node.env.MATRX_HTTP_HOST.valueFrom',
    'DaemonSet matrx-system/matrx-node spec.template.spec.containers.node.livenessProbe.httpGet.host',
    'DaemonSet matrx-system/matrx-node spec.template.spec.containers.node.ports',
    'DaemonSet matrx-system/matrx-node spec.template.spec.containers.node.readinessProbe.httpGet.host',
  ],
  spread: SPREAD,
  sudo: [
    '+ ValidatingAdmissionPolicy matrx-restricted-or-user-namespace',
    '+ ValidatingAdmissionPolicyBinding matrx-restricted-or-user-namespace',
    'Namespace sandboxes metadata.labels.pod-security.kubernetes.io/enforce',
    'Namespace sandboxes metadata.labels.pod-security.kubernetes.io/warn',
  ],
  tracing: [
    'DaemonSet matrx-system/matrx-node spec.template.spec.containers.node.envFrom.2',
    'DaemonSet matrx-system/matrx-node spec.template.spec.containers.node.envFrom.3',
    'Deployment matrx-system/matrx-controller spec.template.spec.containers.controller.envFrom',
    'Deployment matrx-system/matrx-facade spec.template.spec.containers.facade.envFrom',
  ],
};

describe('what a component changes of the base', () => {
  // Argo CD's is applied by itself, to the namespace of Argo CD: argocd-health.test.ts.
  it.each(COMPONENTS.filter((path) => basename(path) !== 'argocd'))('%s: this and nothing else', async (component) => {
    const changes = differences(base, await withComponent(component, render));
    expect(changes).toEqual(COMPONENT_CHANGES[basename(component)]);
  });

  it('gvisor: its template asks for its runtime class, whose nodes have runsc and say so', async () => {
    const objects = await withComponent('manifests/components/gvisor', render);
    const template = objects.find(({ kind, metadata }) => kind === 'SandboxTemplate' && metadata.name === 'gvisor');
    const runtimeClass = objects.find(({ kind }) => kind === 'RuntimeClass');
    expect(template?.spec?.['runtimeClassName']).toBe(runtimeClass?.metadata.name);
    expect(runtimeClass).toMatchObject({
      handler: 'runsc',
      scheduling: { nodeSelector: { 'matrx.dev/gvisor': 'true' } },
    });
  });

  it('ingress: TLS for every host that it serves', async () => {
    const ingress = (await render('manifests/examples/install/multi-node')).find(({ kind }) => kind === 'Ingress');
    expect(ingress?.spec).toMatchObject({
      tls: [{ hosts: ['sandboxes.team.example'], secretName: 'matrx-facade-tls' }],
      rules: [{ host: 'sandboxes.team.example' }],
    });
  });
});

describe.each(['multi-node', 'eks'])('the example installation %s', (example) => {
  it('puts its images everywhere, templates included', async () => {
    const text = JSON.stringify(await render(`manifests/examples/install/${example}`));
    expect(
      [...text.matchAll(/"image":"([^"]*)"/g)].filter(([, image]) => !/\/(product|sandbox):v/.test(image ?? '')),
    ).toEqual([]);
  });

  it('has settings that all parts take', async () => {
    const config = (await render(`manifests/examples/install/${example}`)).find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'matrx-config',
    );
    const data = { ...config?.data };
    expect(loadNodeConfig({ ...data, NODE_NAME: 'n' }).bucket).toBe('example-workspaces');
    expect(loadControllerConfig(data).installation.facadeUrl).toBe('http://matrx-facade.matrx-system');
    const key = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
    expect(() => loadFacadeConfig({ ...data, MATRX_FACADE_KEY: key })).not.toThrow();
  });
});
