import type { Sandbox } from '../api/sandbox.ts';
import type { ObservedWorkspace } from '../domain/plan-workspace.ts';
import type { Installation, Observed } from '../domain/observed.ts';
import { homeOf } from '../domain/home.ts';
import type { Nodes } from '../domain/node-loss.ts';
import { bytesStored, sandboxesAhead, type UserUsage } from '../domain/user-quota.ts';
import { keyOf, objectKey } from '../runtime/object-key.ts';
import type { Caches } from './caches.ts';

/** What is known of one Sandbox; undefined: there is none. `now` is milliseconds since the epoch. */
export const observeSandbox = (
  caches: Caches,
  key: string,
  now: number,
  installation: Installation = {},
): Observed | undefined => {
  const sandbox = caches.sandboxes.store.get(key);
  if (sandbox === undefined) return undefined;
  const { namespace } = sandbox.metadata;
  const home = homeOf(sandbox);
  return {
    now,
    installation,
    sandbox,
    template: caches.templates.store.get(keyOf(namespace, sandbox.spec.templateRef.name)),
    workspace: home.kind === 'workspace' ? caches.workspaces.store.get(keyOf(namespace, home.name)) : undefined,
    pod: caches.pods.store.get(key),
    nodes: nodesOf(caches),
    ...(installation.userQuota === undefined ? {} : { usage: usageOf(caches, sandbox, now) }),
  };
};

const usageOf = ({ sandboxes, workspaces, pods }: Caches, sandbox: Sandbox, now: number): UserUsage => {
  const { userId } = sandbox.spec;
  const hasPod = (other: Sandbox): boolean => pods.store.get(objectKey(other)) !== undefined;
  return {
    sandboxes: sandboxesAhead(sandbox, sandboxes.store.byIndex('user', userId), hasPod, now),
    bytes: bytesStored(workspaces.store.byIndex('user', userId)),
  };
};

const nodesOf = ({ nodes }: Caches): Nodes => ({ get: nodes.store.get, values: nodes.store.list });

/** What is known of one Workspace; undefined: there is none. `now` is milliseconds since the epoch. */
export const observeWorkspace = (
  caches: Caches,
  key: string,
  now: number,
  installation: Installation = {},
): ObservedWorkspace | undefined => {
  const workspace = caches.workspaces.store.get(key);
  if (workspace === undefined) return undefined;
  const writer = workspace.status?.writer;
  const holder = writer === undefined ? undefined : keyOf(workspace.metadata.namespace, writer.sandbox);
  return {
    now,
    installation,
    workspace,
    nodes: nodesOf(caches),
    holder: holder === undefined ? undefined : caches.sandboxes.store.get(holder),
    pod: holder === undefined ? undefined : caches.pods.store.get(holder),
  };
};
