import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../src/api/meta.ts';
import type { KubeClient, ObjectRef } from '../../src/kube/client.ts';
import type { KubeErrorReason } from '../../src/kube/errors.ts';
import { loadClusterAccess } from '../../src/kube/load-cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { SANDBOX_TEMPLATES } from '../../src/kube/resource-types.ts';
import { uniqueName } from '../support/e2e/names.ts';

const NAMESPACE = 'sandboxes';
const OLD_VERSION = '1';
const OTHER_UID = '00000000-0000-0000-0000-000000000000';

interface Template extends KubeObject {
  readonly spec: { readonly image: string };
}

let client: KubeClient;
let template: Template;
const ref: ObjectRef = { type: SANDBOX_TEMPLATES, namespace: NAMESPACE, name: uniqueName('preconditions') };

beforeAll(async () => {
  client = makeKubeClient({ access: loadClusterAccess() });
  await client.create<Template>(SANDBOX_TEMPLATES, NAMESPACE, {
    metadata: { name: ref.name },
    spec: { image: 'a:1' },
  });
});
afterAll(async () => {
  await client.delete(ref);
  await client.close();
});
beforeEach(async () => {
  template = await client.get<Template>(ref);
});

const refusedWith = (reason: KubeErrorReason): unknown => expect.objectContaining({ reason });
const image = (value: string) => ({ op: 'replace' as const, path: '/spec/image', value });
const version = (value: string) => ({ op: 'replace' as const, path: '/metadata/resourceVersion', value });

/** What the executor relies on: each write to an object that has changed since it was seen is refused as a conflict. */
describe('the API server refuses', () => {
  test('a JSON patch that sets an old resource version, with a conflict', async () => {
    await expect(client.jsonPatch(ref, [version(OLD_VERSION), image('b:1')])).rejects.toEqual(refusedWith('Conflict'));
    const current = template.metadata.resourceVersion ?? '';
    await expect(client.jsonPatch(ref, [version(current), image('b:2')])).resolves.toMatchObject({
      spec: { image: 'b:2' },
    });
  });

  test('a merge patch with an old resource version, with a conflict', async () => {
    const spec = { image: 'c:1' };
    const old = { metadata: { resourceVersion: OLD_VERSION }, spec };
    await expect(client.mergePatch(ref, old)).rejects.toEqual(refusedWith('Conflict'));
    const metadata = { resourceVersion: template.metadata.resourceVersion ?? '' };
    await expect(client.mergePatch(ref, { metadata, spec })).resolves.toMatchObject({ spec });
  });

  test('a merge patch with another uid, as invalid', async () => {
    const patch = { metadata: { uid: OTHER_UID }, spec: { image: 'c:2' } };
    await expect(client.mergePatch(ref, patch)).rejects.toEqual(refusedWith('Invalid'));
  });

  test('a JSON patch whose test fails, as invalid', async () => {
    const patch = [{ op: 'test' as const, path: '/spec/image', value: 'other' }, image('d:1')];
    await expect(client.jsonPatch(ref, patch)).rejects.toEqual(refusedWith('Invalid'));
  });

  test('a deletion of another uid, with a conflict', async () => {
    await expect(client.delete(ref, { uid: OTHER_UID })).rejects.toEqual(refusedWith('Conflict'));
  });
});
