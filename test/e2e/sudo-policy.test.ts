import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/api/meta.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { scenario } from '../support/e2e/scenario.ts';

interface Policy extends KubeObject {
  readonly spec: { readonly matchConstraints: object };
}
interface Binding extends KubeObject {
  readonly spec: object;
}

const FILE = new URL('../../manifests/components/sudo/restricted-or-user-namespace.yaml', import.meta.url);

/** The component's policy on a namespace of the test's own, which enforces `baseline` as the component has it. */
const installPolicy = async (cluster: Cluster): Promise<string> => {
  const name = uniqueName('sudo-policy');
  cluster.own(`namespace/${name}`);
  cluster.own(`validatingadmissionpolicy/${name}`);
  cluster.own(`validatingadmissionpolicybinding/${name}`);
  const [policy, binding] = parseAllDocuments(readFileSync(FILE, 'utf8')).map((one) => one.toJS() as unknown) as [
    Policy,
    Binding,
  ];
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': name } };
  await cluster.kubectl.create(
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } },
    },
    {
      ...policy,
      metadata: { name },
      spec: { ...policy.spec, matchConstraints: { ...policy.spec.matchConstraints, namespaceSelector } },
    },
    { ...binding, metadata: { name }, spec: { ...binding.spec, policyName: name } },
  );
  return name;
};

const RESTRICTED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};
/** What sudo needs. */
const GAINS = { ...RESTRICTED, allowPrivilegeEscalation: true, capabilities: { drop: ['ALL'], add: ['SETUID'] } };
const { seccompProfile: _, ...UNCONFINED } = RESTRICTED;
const NFS = [{ name: 'share', nfs: { server: 'example.org', path: '/' } }];

const REFUSED: readonly (readonly [what: string, securityContext: object, spec: object, field: string])[] = [
  ['a privilege', { ...RESTRICTED, allowPrivilegeEscalation: true }, {}, 'securityContext.allowPrivilegeEscalation'],
  ['a capability', { ...RESTRICTED, capabilities: GAINS.capabilities }, {}, 'securityContext.capabilities'],
  ['root', { ...RESTRICTED, runAsUser: 0 }, {}, 'securityContext.runAsNonRoot'],
  ['root, in a user namespace', { ...GAINS, runAsUser: 0 }, { hostUsers: false }, 'securityContext.runAsNonRoot'],
  ['no seccomp profile', UNCONFINED, {}, 'securityContext.seccompProfile.type'],
  ['no seccomp profile, in a user namespace', UNCONFINED, { hostUsers: false }, 'securityContext.seccompProfile.type'],
  ['a foreign volume', RESTRICTED, { volumes: NFS }, 'spec.volumes'],
  ['a foreign volume, in a user namespace', GAINS, { hostUsers: false, volumes: NFS }, 'spec.volumes'],
];

scenario(
  'the component for sudo lets pods with a user namespace gain privileges, and holds all others to `restricted`',
  120,
  async (cluster) => {
    const namespace = await installPolicy(cluster);
    const ask = (securityContext: object, spec: object) =>
      cluster.kubectl.attempt(['-n', namespace, 'create', '--dry-run=server', '-f', '-'], {
        stdin: JSON.stringify({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'asks' },
          spec: { ...spec, containers: [{ name: 'a', image: 'a', securityContext }] },
        }),
      });
    // The API server takes up a new policy a moment after it was created.
    await eventually(
      'the policy is in force',
      async () => (await ask(GAINS, {})).stderr.includes('ValidatingAdmissionPolicy'),
      {
        deadlineMs: 60_000,
        signal: cluster.signal,
      },
    );
    for (const [what, securityContext, spec, field] of REFUSED) {
      const { exitCode, stderr } = await ask(securityContext, spec);
      expect([what, exitCode, stderr]).toEqual([
        what,
        1,
        expect.stringMatching(new RegExp(`ValidatingAdmissionPolicy '${namespace}'.* denied request: ${field}: `)),
      ]);
    }
    expect(await ask(GAINS, { hostUsers: false })).toMatchObject({ exitCode: 0 });
    expect(await ask(RESTRICTED, {})).toMatchObject({ exitCode: 0 });
  },
);
