import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../src/api/meta.ts';
import { GROUP_VERSION } from '../../src/api/names.ts';
import type { KubeClient, ObjectRef } from '../../src/kube/client.ts';
import { type KubeError, isKubeError } from '../../src/kube/errors.ts';
import { loadClusterAccess } from '../../src/kube/load-cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { SANDBOXES, SANDBOX_TEMPLATES, WORKSPACES } from '../../src/kube/resource-types.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { MALFORMED_SANDBOXES } from './malformed-sandboxes.ts';

const NAMESPACE = 'sandboxes';
let client: KubeClient;

beforeAll(() => {
  client = makeKubeClient({ access: loadClusterAccess() });
});
afterAll(() => client.close());

/** The API server's refusal; fails when it takes the object. */
const refusal = async (attempt: Promise<unknown>): Promise<KubeError> => {
  try {
    await attempt;
  } catch (error) {
    if (isKubeError(error)) return error;
    throw error;
  }
  throw new Error('the API server took it');
};

const object = (kind: string, name: string, spec: unknown): KubeObject & { readonly spec: unknown } => ({
  apiVersion: GROUP_VERSION,
  kind,
  metadata: { name },
  spec,
});

describe('the API server refuses, naming the field, a Sandbox that', () => {
  test.each(MALFORMED_SANDBOXES.map((malformed) => [malformed.what, malformed] as const))(
    '%s',
    async (_what, { name, spec, field }) => {
      const sandbox = object(
        'Sandbox',
        name ?? 'malformed',
        spec === undefined ? undefined : { userId: 'ann', ...spec },
      );
      const error = await refusal(client.create(SANDBOXES, NAMESPACE, sandbox, { dryRun: true }));
      expect(error.reason).toBe('Invalid');
      expect(error.message).toContain(field);
    },
  );
});

describe('the API server refuses, naming the one namespace that is served, in another a', () => {
  test.each([
    ['Sandbox', SANDBOXES, { userId: 'ann' }],
    ['SandboxTemplate', SANDBOX_TEMPLATES, { image: 'debian' }],
    ['Workspace', WORKSPACES, { userId: 'ann' }],
  ])('%s', async (kind, type, spec) => {
    const error = await refusal(client.create(type, 'default', object(kind, 'ann', spec), { dryRun: true }));
    expect(error.reason).toBe('Invalid');
    expect(error.message).toContain('metadata.namespace: default is not served by matrx-sandbox');
    expect(error.message).toContain('use the namespace sandboxes');
  });
});

describe('the API server takes a Sandbox that', () => {
  test.each([
    ['says only whose it is', {}],
    ['belongs to a user with a strange name', { userId: '..' }],
    ['gives its CPU as a number', { resources: { requests: { cpu: 1 }, limits: { cpu: '1500m', memory: '2Gi' } } }],
    ['has a config of any shape', { config: { nested: { list: [1, 'two', null] } } }],
    ['has a named workspace', { workspace: { name: 'work' } }],
  ])('%s', async (_what, spec) => {
    const sandbox = object('Sandbox', uniqueName('well-formed'), { userId: 'ann', ...spec });
    await expect(client.create(SANDBOXES, NAMESPACE, sandbox, { dryRun: true })).resolves.toMatchObject({
      spec: { ...spec, desiredState: 'Running', templateRef: { name: 'default' } },
      status: { observedGeneration: -1 },
    });
  });
});

describe('what a Sandbox is cannot be changed later', () => {
  const name = uniqueName('immutable');
  const ref: ObjectRef = { type: SANDBOXES, namespace: NAMESPACE, name };

  beforeAll(async () => {
    const spec = { userId: 'ann', desiredState: 'Stopped', workspace: { ephemeral: true } };
    await client.create(SANDBOXES, NAMESPACE, object('Sandbox', name, spec));
  });
  afterAll(() => client.delete(ref));

  test.each([
    ['spec.userId', { userId: 'bob' }],
    ['spec.workspace', { workspace: { ephemeral: false } }],
    ['spec.workspace', { workspace: { ephemeral: null, name: 'other' } }],
  ])('%s', async (field, spec) => {
    const error = await refusal(client.mergePatch(ref, { spec }));
    expect(error.reason).toBe('Invalid');
    expect(error.message).toContain(field);
  });
});

describe('a Workspace', () => {
  test.each([
    ['must be called like its user', 'bob', { userId: 'ann' }],
    ['must be called like its user and its name', 'ann', { userId: 'ann', name: 'work' }],
    ['must not look like the hash of a plain user', 'x--0123', { userId: 'ann' }],
  ])('%s', async (_what, name, spec) => {
    const error = await refusal(
      client.create(WORKSPACES, NAMESPACE, object('Workspace', name, spec), { dryRun: true }),
    );
    expect(error.message).toContain('metadata.name');
  });

  const manifest = '.ws/manifests/0000000001-0000000002-0123abcd.json.gz';

  test.each([
    ['neither a manifest nor a number', 'restore.manifest', { requestId: 'r' }],
    ['both', 'restore.manifest', { requestId: 'r', manifest, sequence: 2 }],
    ['no request id', 'restore.requestId', { sequence: 2 }],
    ['a request id with a space', 'restore.requestId', { requestId: 'r 1', sequence: 2 }],
    ['a request id of 65 characters', 'restore.requestId', { requestId: 'r'.repeat(65), sequence: 2 }],
    ['the number 0', 'restore.sequence', { requestId: 'r', sequence: 0 }],
    ['a way out of the prefix', 'restore.manifest', { requestId: 'r', manifest: `../../bob/${manifest}` }],
    ['a way out below manifests/', 'restore.manifest', { requestId: 'r', manifest: `.ws/manifests/../../${manifest}` }],
    ['a pack', 'restore.manifest', { requestId: 'r', manifest: `.ws/packs/${'0'.repeat(64)}.tar` }],
  ])('must not ask to go back to %s', async (_what, field, restore) => {
    const workspace = object('Workspace', 'malformed-ann', { userId: 'malformed-ann', restore });
    const error = await refusal(client.create(WORKSPACES, NAMESPACE, workspace, { dryRun: true }));
    expect(error.reason).toBe('Invalid');
    expect(error.message).toContain(`spec.${field}`);
  });

  test('must not ask for another commit with the same request', async () => {
    const userId = uniqueName('requests');
    const ref: ObjectRef = { type: WORKSPACES, namespace: NAMESPACE, name: userId };
    await client.create(
      WORKSPACES,
      NAMESPACE,
      object('Workspace', userId, { userId, restore: { requestId: 'r', sequence: 2 } }),
    );
    try {
      const error = await refusal(client.mergePatch(ref, { spec: { restore: { sequence: 3 } } }));
      expect(error.message).toContain('another commit needs another requestId');
      const restore = { requestId: 'r2', sequence: null, manifest };
      await expect(client.mergePatch(ref, { spec: { restore } })).resolves.toBeDefined();
    } finally {
      await client.delete(ref);
    }
  });

  test.each([
    ['of a plain user', 'malformed-ann', { userId: 'malformed-ann' }],
    [
      'that goes back to a conflict',
      'malformed-ann',
      {
        userId: 'malformed-ann',
        restore: { requestId: 'r', manifest: '.ws/conflicts/0000000001-0123456789abcdef.json.gz' },
      },
    ],
    ['with a name', 'malformed-ann.work', { userId: 'malformed-ann', name: 'work' }],
    ['of a hashed user', 'x--malformed', { userId: 'Ann_Smith' }],
  ])('%s is taken', async (_what, name, spec) => {
    await expect(
      client.create(WORKSPACES, NAMESPACE, object('Workspace', name, spec), { dryRun: true }),
    ).resolves.toMatchObject({ spec });
  });
});
