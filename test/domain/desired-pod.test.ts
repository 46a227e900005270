import { describe, expect, test } from '@jest/globals';
import { desiredPod } from '../../src/domain/desired-pod.ts';
import type { Installation } from '../../src/domain/observed.ts';
import { aSandbox, aTemplate } from '../support/resources.ts';

interface Container {
  readonly name: string;
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly [field: string]: unknown;
}

const podOf = (sandbox = aSandbox('demo'), template = aTemplate(), installation: Installation = {}) =>
  desiredPod(sandbox.build(), template, installation);
const containerOf = (pod: ReturnType<typeof podOf>): Container => {
  const containers = pod.spec?.['containers'] as readonly Container[];
  expect(containers).toHaveLength(1);
  return containers[0] as Container;
};
const envOf = (pod: ReturnType<typeof podOf>): Readonly<Record<string, string>> =>
  Object.fromEntries(containerOf(pod).env.map(({ name, value }) => [name, value]));

const volumesOf = (pod: ReturnType<typeof podOf>) => pod.spec?.['volumes'] as readonly object[];

describe('the pod of a Sandbox', () => {
  test('passes Pod Security restricted', () => {
    const pod = podOf();
    expect(pod.spec).toMatchObject({
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
    });
    expect(containerOf(pod)).toMatchObject({
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    });
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'initContainers'])
      expect(pod.spec).not.toHaveProperty(field);
  });

  test('gets no API token, no links to services and no account of its own', () => {
    expect(podOf().spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect(podOf().spec).not.toHaveProperty('serviceAccountName');
  });

  test('has the home from the node driver, which gives it to the agent itself', () => {
    const pod = podOf();
    expect(volumesOf(pod)[0]).toEqual({
      name: 'home',
      csi: { driver: 'workspace.matrx.dev', volumeAttributes: { tier: 'hot' } },
    });
    expect((containerOf(pod)['volumeMounts'] as readonly object[])[0]).toEqual({
      name: 'home',
      mountPath: '/home/agent',
    });
    expect(pod.spec?.['securityContext']).not.toHaveProperty('fsGroup');
  });

  test('has an emptyDir that the agent may write to when the home is ephemeral [A6.3]', () => {
    const pod = podOf(aSandbox().ephemeral());
    expect(volumesOf(pod)[0]).toEqual({ name: 'home', emptyDir: {} });
    expect(pod.spec?.['securityContext']).toMatchObject({ fsGroup: 1000 });
  });

  test('is called like the Sandbox, labelled, and owned by it [A3.2]', () => {
    const pod = podOf(aSandbox('demo').ofUser('Ann Smith'.replace(' ', '_')));
    expect(pod.metadata).toMatchObject({
      name: 'demo',
      namespace: 'sandboxes',
      labels: { 'matrx.dev/sandbox': 'demo', 'app.kubernetes.io/managed-by': 'matrx-sandbox' },
      ownerReferences: [{ kind: 'Sandbox', name: 'demo', uid: 'uid-of-demo', controller: true }],
    });
    expect(pod.metadata.labels?.['matrx.dev/user']).toMatch(/^x--[0-9a-f]{40}$/u);
    expect(pod.spec).toMatchObject({ hostname: 'demo', restartPolicy: 'Always' });
  });

  test('knows who it is and where its files are, whatever the template says [A3.2]', () => {
    const template = aTemplate('default', { env: [{ name: 'HOME', value: '/root' }] });
    expect(envOf(podOf(aSandbox('demo').ofUser('ann'), template))).toEqual({
      SANDBOX_ID: 'demo',
      USER_ID: 'ann',
      HOT_PATH: '/home/agent',
      COLD_PATH: '/data/cold',
      HOME: '/home/agent',
      MATRX_TOKEN_FILE: '/var/run/secrets/matrx.dev/token',
      MATRX_POD_UID: undefined,
    });
    expect(containerOf(podOf())['workingDir']).toBe('/home/agent');
  });

  test('is the same whatever bucket the config names [T7]', () => {
    const config = { s3_bucket: 'of-another-tenant', s3_region: 'eu-west-1' };
    expect(podOf(aSandbox('demo').with({ config }))).toEqual(podOf(aSandbox('demo')));
  });

  test('has one credential, which only the facade accepts and only this pod can have', () => {
    const pod = podOf();
    expect(volumesOf(pod)[1]).toEqual({
      name: 'facade-token',
      projected: {
        sources: [{ serviceAccountToken: { audience: 'facade.matrx.dev', expirationSeconds: 3600, path: 'token' } }],
      },
    });
    expect((containerOf(pod)['volumeMounts'] as readonly object[])[1]).toEqual({
      name: 'facade-token',
      mountPath: '/var/run/secrets/matrx.dev',
      readOnly: true,
    });
  });

  test('is told where the facade is and whose tokens its daemon accepts, by public keys [A3.2]', () => {
    const pod = podOf(aSandbox(), aTemplate(), { facadeUrl: 'http://facade', sandboxdKeys: 'AAAA' });
    expect(envOf(pod)).toMatchObject({ ORCHESTRATOR_URL: 'http://facade', MATRX_SANDBOXD_KEYS: 'AAAA' });
    expect(containerOf(pod).env).toContainEqual({
      name: 'MATRX_POD_UID',
      valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } },
    });
  });

  test("has the template's variables, and the Sandbox's win", () => {
    const template = aTemplate('default', {
      env: [
        { name: 'LANG', value: 'C' },
        { name: 'TZ', value: 'UTC' },
      ],
    });
    const sandbox = aSandbox().with({ env: [{ name: 'TZ', value: 'Europe/Berlin' }] });
    expect(envOf(podOf(sandbox, template))).toMatchObject({ LANG: 'C', TZ: 'Europe/Berlin' });
  });

  test('has image, resources, runtime class and grace of the template, or the Sandbox’s own image and resources [A3.2]', () => {
    const template = aTemplate('default', {
      image: 'a:1',
      resources: { limits: { cpu: '2' } },
      runtimeClassName: 'gvisor',
      terminationGracePeriodSeconds: 7,
    });
    const pod = podOf(aSandbox(), template);
    expect(pod.spec).toMatchObject({ runtimeClassName: 'gvisor', terminationGracePeriodSeconds: 7 });
    expect(containerOf(pod)).toMatchObject({
      image: 'a:1',
      resources: { limits: { cpu: '2' } },
      imagePullPolicy: 'IfNotPresent',
    });
    const own = podOf(aSandbox().with({ image: 'b:2', resources: { requests: { memory: '1Gi' } } }), template);
    expect(containerOf(own)).toMatchObject({ image: 'b:2', resources: { requests: { memory: '1Gi' } } });
  });

  test('asks for no resources of ours', () => {
    expect(containerOf(podOf())).not.toHaveProperty('resources');
    expect(podOf().spec).not.toHaveProperty('runtimeClassName');
  });
});
