import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { loadControllerConfig } from '../../src/config/controller.ts';
import { loadFacadeConfig } from '../../src/config/facade.ts';
import { loadNodeConfig } from '../../src/config/node.ts';
import { goTool } from '../../scripts/go-tools.ts';
import { differences } from './differences.ts';
import { type Manifest, render } from './render.ts';

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

describe('what an overlay changes of the base', () => {
  it.each([
    [
      'dev',
      [
        'SandboxTemplate sandboxes/default spec.resources.requests.cpu',
        'SandboxTemplate sandboxes/default spec.resources.requests.memory',
      ],
    ],
    ['aws-single-node', ONE_FACADE],
    [
      'aws-multi-node',
      [...SPREAD, ...ONE_FACADE, 'Deployment matrx-system/matrx-facade spec.template.spec.nodeSelector'].toSorted(),
    ],
    ['multi-node', SPREAD],
    ['eks', [...SPREAD, 'ServiceAccount matrx-system/matrx-node metadata.annotations']],
  ])('%s: this and nothing else', async (overlay, expected) => {
    expect(differences(base, await render(`manifests/overlays/${overlay}`))).toEqual(expected);
  });

  it('no overlay defines what an installation brings: its settings and its secrets', async () => {
    for (const overlay of ['dev', 'aws-single-node', 'aws-multi-node', 'multi-node', 'eks']) {
      const names = (await render(`manifests/overlays/${overlay}`)).map(({ metadata }) => metadata.name);
      expect(names.filter((name) => /^matrx-(config|facade-key|api-key|s3-credentials)$/.test(name))).toEqual([]);
    }
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

describe('a component', () => {
  it('ingress: TLS for every host that it serves', async () => {
    const ingress = (await render('manifests/examples/install/multi-node')).find(({ kind }) => kind === 'Ingress');
    expect(ingress?.spec).toMatchObject({
      tls: [{ hosts: ['sandboxes.team.example'], secretName: 'matrx-facade-tls' }],
      rules: [{ host: 'sandboxes.team.example' }],
    });
  });
});
