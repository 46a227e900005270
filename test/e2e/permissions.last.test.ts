import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { auditLogPath } from '../../src/local/cluster/audit.ts';
import { openLocal } from '../../src/local/open-local.ts';
import { makeKubectl } from '../support/e2e/kubectl.ts';
import { SYSTEM_NAMESPACE } from '../support/e2e-faults/system-containers.ts';
import { auditEvents, MACHINE_AUDIT } from '../support/rbac/audit-log.ts';
import {
  type AuditEvent,
  type BindingLike,
  describePermission,
  describeRequest,
  isRefused,
  permissionsOf,
  type RoleLike,
  uses,
} from '../support/rbac/permissions.ts';

type WithTimes<T> = T & { readonly metadata: { readonly managedFields?: readonly { readonly time?: string }[] } };

test('every verb of every role was needed by the tests before this one, and nothing else was asked for', async () => {
  const kubectl = makeKubectl(AbortSignal.timeout(100_000));
  const list = async <T>(kinds: string): Promise<readonly WithTimes<T>[]> => {
    const args = ['get', kinds, '--all-namespaces', '--show-managed-fields'];
    return (await kubectl.json<{ items: readonly WithTimes<T>[] }>(args)).items;
  };
  const bindings = (await list<BindingLike>('rolebindings,clusterrolebindings')).filter(({ subjects = [] }) =>
    subjects.some(({ kind, namespace }) => kind === 'ServiceAccount' && namespace === SYSTEM_NAMESPACE),
  );
  const named = new Set(bindings.map(({ roleRef }) => roleRef.name));
  const roles = (await list<RoleLike>('roles,clusterroles')).filter(({ metadata }) => named.has(metadata.name));
  const permissions = permissionsOf(roles, bindings);
  expect(new Set(permissions.map(({ account }) => account))).toEqual(
    new Set(['controller', 'facade', 'node'].map((part) => `${SYSTEM_NAMESPACE}/matrx-${part}`)),
  );
  const everything = permissions.filter(({ group, resource, verb }) => [group, resource, verb].includes('*'));
  expect(everything.map(describePermission)).toEqual([]);

  // An installation that is older than its roles has been refused what it may do now.
  const changes = [...roles, ...bindings].flatMap(({ metadata }) => metadata.managedFields ?? []);
  const since = changes.map(({ time = '' }) => time).reduce((a, b) => (a > b ? a : b), '');
  const unused = new Set(permissions);
  const refused = new Set<string>();
  const log = auditLogPath(openLocal().paths);
  const use = (event: AuditEvent): void => {
    for (const permission of unused) if (uses(event, permission)) unused.delete(permission);
  };
  for await (const event of auditEvents(log, since)) {
    if (isRefused(event)) refused.add(describeRequest(event));
    else use(event);
  }
  for await (const event of auditEvents(join(dirname(log), MACHINE_AUDIT), since)) if (!isRefused(event)) use(event);
  // Nothing here asks for this one: see ASIDE.
  const finalizers = ['auth', 'can-i', 'update', 'sandboxes.matrx.dev', '--subresource=finalizers'];
  const asController = [`--as=system:serviceaccount:${SYSTEM_NAMESPACE}:matrx-controller`];
  expect((await kubectl.run([...finalizers, ...asController])).trim()).toBe('yes');
  expect({ unused: [...unused].map(describePermission), refused: [...refused] }).toEqual({ unused: [], refused: [] });
}, 120_000);
