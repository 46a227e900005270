import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { GROUP_VERSION } from '../../src/api/names.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { Workspace } from '../../src/api/workspace.ts';
import { workspaceName } from '../../src/api/workspace-id.ts';
import type { Json } from '../../src/base/json.ts';
import type { KubeClient, ResourceType } from '../../src/kube/client.ts';
import { isKubeError } from '../../src/kube/errors.ts';
import { loadClusterAccess } from '../../src/kube/load-cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { SANDBOX_TEMPLATES, SANDBOXES, WORKSPACES } from '../../src/kube/resource-types.ts';
import { type Cluster, NAMESPACE } from '../support/e2e/cluster.ts';
import type { Kubectl } from '../support/e2e/kubectl.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { kstatus } from '../support/kstatus.ts';
import { allFields, type Field, type Kind } from '../support/spec-walk/fields.ts';
import { namesField } from '../support/spec-walk/names-field.ts';
import { refusalsOf } from '../support/spec-walk/admission.ts';
import { setField } from '../support/spec-walk/set-field.ts';
import { invalidValues, limits, tellingValues } from '../support/spec-walk/values.ts';
import { GOOD_VALUES, INSTALLED_IMAGE, MISTAKES, NOT_BY_ITSELF } from './good-values.ts';

const FIELDS = allFields();
const nameOf = ({ kind, path }: Field): string => `${kind} ${path}`;
const fieldOf = (name: string): Field => {
  const found = FIELDS.find((field) => nameOf(field) === name);
  if (found === undefined) throw new Error(`the schema has no ${name}`);
  return found;
};

let client: KubeClient;
beforeAll(() => {
  client = makeKubeClient({ access: loadClusterAccess() });
});
afterAll(() => client.close());

const TYPES: Readonly<Record<Kind, ResourceType>> = {
  Sandbox: SANDBOXES,
  Workspace: WORKSPACES,
  SandboxTemplate: SANDBOX_TEMPLATES,
};
const LEAST: Readonly<Record<Kind, Json>> = {
  Sandbox: { userId: 'walker' },
  Workspace: { userId: 'walker' },
  SandboxTemplate: { image: 'example/sandbox:1' },
};
/** The least with the field in it: an allow-list is only of a template that says that it has one. */
const leastWith = ({ kind, path }: Field): Json =>
  path.startsWith('spec.network.allowList')
    ? { image: 'example/sandbox:1', network: { egress: 'AllowList', allowList: [{ cidr: '203.0.113.0/24' }] } }
    : LEAST[kind];

/** What the API server says to it; undefined: it would take it. */
const refusal = async (kind: Kind, spec: Json): Promise<string | undefined> => {
  // A Workspace's name follows from its spec: that rule is not about a field.
  const { userId, name } = spec as { readonly userId?: string; readonly name?: string };
  const named = kind === 'Workspace' ? [userId, name].filter((part) => part !== undefined).join('.') : 'walk';
  const object: KubeObject & { readonly spec: Json } = {
    apiVersion: GROUP_VERSION,
    kind,
    metadata: { name: named },
    spec,
  };
  try {
    await client.create(TYPES[kind], NAMESPACE, object, { dryRun: true });
    return undefined;
  } catch (error) {
    if (isKubeError(error, 'Invalid')) return error.message;
    throw error;
  }
};

test.each(
  FIELDS.filter(({ kind, path }) => kind !== 'Workspace' || path.startsWith('spec.restore')).map(
    (field) => [nameOf(field), field] as const,
  ),
)('the API server takes and refuses of %s what the walk of the model thinks, and names it', async (_name, field) => {
  const { kind } = field;
  await Promise.all(
    [...limits(field.schema), ...tellingValues(field), undefined, ...invalidValues(field)].map(async (value) => {
      const spec = setField(leastWith(field), field, value);
      const expected = refusalsOf(kind, spec);
      const said = await refusal(kind, spec);
      expect({ value, isRefused: said !== undefined }).toEqual({ value, isRefused: expected.length > 0 });
      if (said !== undefined) expect(expected.some((one) => said.includes(one.field))).toBe(true);
    }),
  );
});

test('every field is changed while a sandbox runs, or cannot be', () => {
  const covered = [...Object.keys(GOOD_VALUES), ...MISTAKES.map(([name]) => name), ...NOT_BY_ITSELF];
  expect([...new Set(covered)].toSorted()).toEqual(FIELDS.map(nameOf).toSorted());
});

interface Walker {
  readonly cluster: Cluster;
  readonly image: string;
  readonly names: Readonly<Record<Kind, string>>;
}

const begin = async (cluster: Cluster, label: string): Promise<Walker> => {
  const image = await cluster.kubectl.run(['get', 'sandboxtemplate/default', '-o', 'jsonpath={.spec.image}']);
  const template = uniqueName(label);
  cluster.own(`sandboxtemplate/${template}`);
  await cluster.kubectl.create({
    apiVersion: GROUP_VERSION,
    kind: 'SandboxTemplate',
    metadata: { name: template },
    spec: { image, terminationGracePeriodSeconds: 1 },
  });
  const sandbox = aSandbox(label).with({ templateRef: { name: template }, progressDeadlineSeconds: 3 });
  await cluster.start(sandbox);
  return {
    cluster,
    image,
    names: { Sandbox: sandbox.name, Workspace: workspaceName(sandbox.userId), SandboxTemplate: template },
  };
};

/** Changes these fields of one object at once; answers how its spec was before. */
const change = async (
  { cluster: { kubectl }, names, image }: Walker,
  kind: Kind,
  values: readonly (readonly [name: string, value: Json])[],
): Promise<Json> => {
  const target = `${kind.toLowerCase()}/${names[kind]}`;
  const { spec } = await kubectl.json<{ readonly spec: Json }>(['get', target]);
  const next = values.reduce(
    (so, [name, value]) => setField(so, fieldOf(name), value === INSTALLED_IMAGE ? image : value),
    spec,
  );
  await setSpec(kubectl, target, next);
  return spec;
};

const setSpec = async (kubectl: Kubectl, target: string, spec: Json): Promise<void> => {
  const patch = JSON.stringify([{ op: 'replace', path: '/spec', value: spec }]);
  await kubectl.run(['patch', target, '--type=json', '-p', patch]);
};

/** It runs as before, and says so of the spec as it is now; then its pod is taken, and the next is made of that spec. */
const nextPod = async ({ cluster, names: { Sandbox: name } }: Walker, podUid: string | undefined): Promise<void> => {
  await cluster.until(name, 'a change of the next pod leaves this one', (sandbox) => {
    return kstatus(sandbox) === 'Current' && sandbox.status?.podUid === podUid;
  });
  await cluster.kubectl.run(['delete', `pod/${name}`, '--wait=false']);
};

const isOtherAndCurrent = (podUid: string | undefined) => (sandbox: Sandbox) =>
  kstatus(sandbox) === 'Current' && sandbox.status?.podUid !== podUid;

const stall = async (cluster: Cluster, fieldName: string, value: Json): Promise<void> => {
  const field = fieldOf(fieldName);
  const walker = await begin(cluster, 'walk');
  const { Sandbox: name, [field.kind]: changed } = walker.names;
  const podUid = (await cluster.ready(name)).status?.podUid;
  const before = await change(walker, field.kind, [[fieldName, value]]);
  await nextPod(walker, podUid);
  await cluster.until(name, `it is Stalled and names ${fieldName}`, (sandbox) => {
    const message = findCondition(sandbox.status?.conditions, 'Stalled')?.message ?? '';
    return kstatus(sandbox) === 'Failed' && namesField(message, field, changed);
  });
  await setSpec(cluster.kubectl, `${field.kind.toLowerCase()}/${changed}`, before);
  await cluster.until(name, 'it recovers', isOtherAndCurrent(podUid), 90_000);
};

scenario(
  'a field that is changed to what cannot be ends in Stalled, which names it, and the sandbox runs once it is put back',
  180,
  async (cluster) => {
    await Promise.all(MISTAKES.map(([field, value]) => stall(cluster, field, value)));
  },
);

scenario(
  'all fields that can be are changed at once: the sandbox runs on undisturbed, and so does the next pod',
  150,
  async (cluster) => {
    const walker = await begin(cluster, 'all');
    const { Sandbox: name, Workspace: workspace } = walker.names;
    const podUid = (await cluster.ready(name)).status?.podUid;
    for (const kind of ['Workspace', 'SandboxTemplate', 'Sandbox'] as const) {
      await change(
        walker,
        kind,
        Object.entries(GOOD_VALUES).filter(([field]) => field.startsWith(`${kind} `)),
      );
    }
    await nextPod(walker, podUid);
    await cluster.until(name, 'another pod runs', isOtherAndCurrent(podUid), 90_000);
    expect(kstatus(await cluster.kubectl.json<Workspace>(['get', `workspace/${workspace}`]))).toBe('Current');
  },
);
