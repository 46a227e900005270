import { describe, expect, test } from '@jest/globals';
import { type AuditEvent, describePermission, isRefused, permissionsOf, uses } from './permissions.ts';

const role = {
  kind: 'Role',
  metadata: { name: 'driver', namespace: 'sandboxes' },
  rules: [
    { apiGroups: ['matrx.dev'], resources: ['workspaces', 'workspaces/status'], verbs: ['get', 'patch'] },
    { apiGroups: [''], resources: ['configmaps'], verbs: ['list'], resourceNames: ['report'] },
  ],
};
const binding = {
  kind: 'RoleBinding',
  metadata: { namespace: 'sandboxes' },
  roleRef: { kind: 'Role', name: 'driver' },
  subjects: [{ kind: 'ServiceAccount', name: 'node', namespace: 'system' }],
};
const event = (verb: string, objectRef: AuditEvent['objectRef'], more: Partial<AuditEvent> = {}): AuditEvent => ({
  verb,
  stage: 'ResponseComplete',
  requestURI: '/',
  requestReceivedTimestamp: '2026-11-29T00:00:00.000000Z',
  user: { username: 'system:serviceaccount:system:node' },
  ...(objectRef === undefined ? {} : { objectRef }),
  ...more,
});

describe('what a role gives and a request needs', () => {
  const permissions = permissionsOf([role], [binding]);
  const neededBy = (request: AuditEvent): readonly string[] =>
    permissions.filter((permission) => uses(request, permission)).map(describePermission);
  const workspaces = { resource: 'workspaces', apiGroup: 'matrx.dev', namespace: 'sandboxes', name: 'ann' };

  test('each verb of each resource is one permission', () => {
    expect(permissions.map(describePermission)).toEqual([
      'system/node: get workspaces.matrx.dev in sandboxes',
      'system/node: patch workspaces.matrx.dev in sandboxes',
      'system/node: get workspaces/status.matrx.dev in sandboxes',
      'system/node: patch workspaces/status.matrx.dev in sandboxes',
      'system/node: list configmaps report in sandboxes',
    ]);
  });

  test('a request needs the one of its verb, resource and subresource', () => {
    expect(neededBy(event('patch', workspaces))).toEqual(['system/node: patch workspaces.matrx.dev in sandboxes']);
    expect(neededBy(event('patch', { ...workspaces, subresource: 'status' }))).toEqual([
      'system/node: patch workspaces/status.matrx.dev in sandboxes',
    ]);
    expect(neededBy(event('delete', workspaces))).toEqual([]);
    expect(neededBy(event('get', { ...workspaces, namespace: 'other' }))).toEqual([]);
    expect(neededBy(event('get', workspaces, { user: { username: 'system:serviceaccount:system:other' } }))).toEqual(
      [],
    );
  });

  test('what the API server asks for aside is needed by the request that makes it ask', () => {
    const rules = [{ apiGroups: [''], resources: ['pods/exec'], verbs: ['get', 'create'] }];
    const exec = permissionsOf([{ ...role, rules }], [binding]);
    const request = event('get', { resource: 'pods', subresource: 'exec', namespace: 'sandboxes', name: 'ann' });
    expect(exec.filter((permission) => uses(request, permission))).toHaveLength(2);
  });

  test('a permission for one name is needed by a request that gives the name, in its path or its selector', () => {
    const configMaps = { resource: 'configmaps', namespace: 'sandboxes' };
    const selector = '/api/v1/namespaces/sandboxes/configmaps?fieldSelector=metadata.name%3Dreport&limit=500';
    expect(neededBy(event('list', configMaps, { requestURI: selector }))).toHaveLength(1);
    expect(neededBy(event('list', { ...configMaps, name: 'report' }))).toHaveLength(1);
    expect(neededBy(event('list', configMaps))).toEqual([]);
  });

  test('a refusal is one of the authorizer, not of the object', () => {
    expect(isRefused(event('get', workspaces, { annotations: { 'authorization.k8s.io/decision': 'forbid' } }))).toBe(
      true,
    );
    expect(isRefused(event('get', workspaces, { responseStatus: { code: 403 } }))).toBe(false);
  });

  test('a binding of a role that is not there is named', () => {
    expect(() => permissionsOf([], [binding])).toThrow('a binding names Role driver, which is not there');
  });
});
