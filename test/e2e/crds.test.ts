import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { customResourceDefinitions } from '../../src/api/custom-resource-definitions.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { API_GROUP } from '../../src/api/names.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadClusterAccess } from '../../src/kube/load-cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { DEFINITIONS } from '../support/e2e/definitions.ts';

interface Definition extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

let client: KubeClient;
beforeAll(() => {
  client = makeKubeClient({ access: loadClusterAccess() });
});
afterAll(() => client.close());

const definitions = [...customResourceDefinitions().values()].map((crd) => [crd.metadata.name, crd] as const);

describe('the API server', () => {
  // In a group of its own, so that the whole validation runs whatever is installed: only the API server knows all of
  // its rules for structural schemas and for the cost of CEL.
  test.each(definitions)('accepts %s as it is generated now', async (name, crd) => {
    const group = `generated.${API_GROUP}`;
    const copy: Definition = {
      ...crd,
      metadata: { name: name.replace(API_GROUP, group) },
      spec: { ...crd.spec, group },
    };
    await expect(client.create(DEFINITIONS, undefined, copy, { dryRun: true })).resolves.toMatchObject({
      spec: { group },
    });
  });

  test.each(definitions)('serves %s, and its schema is structural', async (name) => {
    const installed = await client.get<Definition>({ type: DEFINITIONS, name });
    const conditions = installed.status?.conditions ?? [];
    expect(conditions).toContainEqual(expect.objectContaining({ type: 'Established', status: 'True' }));
    expect(conditions).not.toContainEqual(expect.objectContaining({ type: 'NonStructuralSchema', status: 'True' }));
  });
});
