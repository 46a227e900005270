import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { KubeObject } from '../../src/api/meta.ts';
import { API_VERSION } from '../../src/api/names.ts';
import type { KubeClient, ResourceType } from '../../src/kube/client.ts';
import { loadClusterAccess } from '../../src/kube/load-cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { NAMESPACES } from '../../src/kube/resource-types.ts';
import { apiServerContract } from '../support/api-server-contract/contract.ts';
import { DEFINITIONS } from '../support/e2e/definitions.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { uniqueName } from '../support/e2e/names.ts';

const core = (kind: string, plural: string): ResourceType => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});
const SERVICE_ACCOUNTS = core('ServiceAccount', 'serviceaccounts');

interface Definition extends KubeObject {
  readonly spec: { readonly names: object };
}

/**
 * The Sandbox's own definition under another name: Sandboxes themselves are served in one namespace, where the controller
 * has them. No test that names a kind to kubectl meets these, for they share no word with it.
 */
const defineCopy = async (client: KubeClient): Promise<ResourceType> => {
  const group = `${uniqueName('contract')}.matrx.dev`;
  const type = { group, version: API_VERSION, kind: 'CopiedBox', plural: 'copiedsandboxes', namespaced: true };
  const { spec, ...definition } = parse(readFileSync('crds/sandboxes.yaml', 'utf8')) as Definition;
  const names = { kind: type.kind, listKind: `${type.kind}List`, plural: type.plural, singular: 'copiedsandbox' };
  await client.create<Definition>(DEFINITIONS, undefined, {
    ...definition,
    metadata: { name: `${type.plural}.${group}` },
    spec: { ...spec, group, names } as Definition['spec'],
  });
  return type;
};

/** It is served, and pods are admitted, a moment after both are made. */
const untilServed = async (client: KubeClient, type: ResourceType, namespace: string): Promise<void> => {
  const options = { deadlineMs: 60_000 };
  await eventually('the definition is served', async () => client.list(type, { namespace }), options);
  const account = { type: SERVICE_ACCOUNTS, namespace, name: 'default' };
  await eventually('the namespace has its service account', async () => client.get(account), options);
};

apiServerContract(
  'the cluster',
  async () => {
    const access = loadClusterAccess();
    const client = makeKubeClient({ access });
    const namespace = uniqueName('contract');
    await client.create<KubeObject>(NAMESPACES, undefined, { metadata: { name: namespace } });
    const type = await defineCopy(client);
    await untilServed(client, type, namespace);
    const close = async (): Promise<void> => {
      await client.delete({ type: NAMESPACES, name: namespace });
      await client.delete({ type: DEFINITIONS, name: `${type.plural}.${type.group}` });
      await client.close();
    };
    return { client, type, namespace, access, close };
  },
  { bodies: true },
);
