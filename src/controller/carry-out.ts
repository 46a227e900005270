import { FIELD_MANAGER_CONTROLLER, LABEL_PURGE } from '../api/names.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { Workspace } from '../api/workspace.ts';
import type { Json } from '../base/json.ts';
import type { Action, Seen } from '../domain/action.ts';
import type { PodRefusal } from '../domain/observed.ts';
import type { KubeClient, ObjectRef } from '../kube/client.ts';
import { isKubeError } from '../kube/errors.ts';
import { PODS, SANDBOXES, WORKSPACES } from '../kube/resource-types.ts';
import { unchanged } from '../kube/unchanged.ts';
import type { Caches } from './caches.ts';
import { confirm } from './confirm.ts';
import { createNetworkPolicy } from './create-network-policy.ts';
import { createPod } from './create-pod.ts';

export interface CarryOutDeps {
  readonly client: Pick<KubeClient, 'get' | 'list' | 'create' | 'mergePatch' | 'jsonPatch' | 'delete'>;
  readonly caches: Caches;
  readonly namespace: string;
}

/** Actions that write to the API server. */
export type Write = Exclude<Action, { readonly kind: 'emitEvent' | 'requeue' }>;

/**
 * One action as calls. Every write carries what was seen as a precondition, and its answer goes into the cache at once,
 * so that the next pass does not repeat it. Resolves with a refusal where the API server will not have the pod; throws
 * a KubeError for anything else that did not work.
 */
export const carryOut = async (
  deps: CarryOutDeps,
  action: Write,
  signal: AbortSignal,
): Promise<PodRefusal | undefined> => {
  const { client, caches, namespace } = deps;
  const options = { signal, fieldManager: FIELD_MANAGER_CONTROLLER };
  const status = { ...options, subresource: 'status' as const };
  const sandboxRef = ({ name }: Seen): ObjectRef => ({ type: SANDBOXES, namespace, name });
  const workspaceRef = ({ name }: Seen): ObjectRef => ({ type: WORKSPACES, namespace, name });

  switch (action.kind) {
    case 'addSandboxFinalizer': {
      const { sandbox, finalizers } = action;
      const patch = finalizersPatch(sandbox, finalizers);
      caches.sandboxes.put(await client.mergePatch<Sandbox>(sandboxRef(sandbox), patch, options));
      return undefined;
    }
    case 'addWorkspaceFinalizer': {
      const { workspace, finalizers } = action;
      const patch = finalizersPatch(workspace, finalizers);
      caches.workspaces.put(await client.mergePatch<Workspace>(workspaceRef(workspace), patch, options));
      return undefined;
    }
    // The answer to a removal is the object's last state: in the cache it would be a ghost. Gone already is as good.
    case 'removeSandboxFinalizer': {
      await confirm(deps, action.assuming, signal);
      const patch = finalizersPatch(action.sandbox, action.finalizers);
      await unlessGone(client.mergePatch(sandboxRef(action.sandbox), patch, options));
      return undefined;
    }
    case 'removeWorkspaceFinalizer': {
      const patch = finalizersPatch(action.workspace, action.finalizers);
      await unlessGone(client.mergePatch(workspaceRef(action.workspace), patch, options));
      return undefined;
    }
    case 'deleteSandbox': {
      await confirm(deps, action.assuming, signal);
      const { uid, resourceVersion } = action.sandbox;
      await unlessGone(client.delete(sandboxRef(action.sandbox), { signal, uid, resourceVersion }));
      return undefined;
    }
    case 'createWorkspace':
      caches.workspaces.put(await client.create<Workspace>(WORKSPACES, namespace, action.workspace, options));
      return undefined;
    case 'acquireWriter': {
      const { workspace, writer } = action;
      const patch = { ...precondition(workspace), status: { writer, epoch: writer.epoch } };
      caches.workspaces.put(await client.mergePatch<Workspace>(workspaceRef(workspace), patch, status));
      return undefined;
    }
    case 'releaseWriter': {
      await confirm(deps, action.assuming, signal);
      const conflicts = action.conflicts === undefined ? {} : { conflicts: action.conflicts as unknown as Json };
      const patch = { ...precondition(action.workspace), status: { writer: null, ...conflicts } };
      caches.workspaces.put(await client.mergePatch<Workspace>(workspaceRef(action.workspace), patch, status));
      return undefined;
    }
    case 'requestPurge': {
      const { resourceVersion } = action.workspace;
      const patch = { metadata: { resourceVersion, labels: { [LABEL_PURGE]: 'requested' } } };
      caches.workspaces.put(await client.mergePatch<Workspace>(workspaceRef(action.workspace), patch, options));
      return undefined;
    }
    case 'createNetworkPolicy':
      return createNetworkPolicy(client, namespace, action.policy, signal);
    case 'createPod':
      return createPod(deps, action.pod, signal);
    case 'deletePod':
      await confirm(deps, action.assuming, signal);
      await deletePod(deps, action, signal);
      return undefined;
    case 'writeSandboxStatus': {
      const { sandbox } = action;
      // Replaced as a whole: a merge would keep what is no longer so.
      const patch = [
        unchanged(sandbox.resourceVersion),
        { op: 'add' as const, path: '/status', value: action.status as Json },
      ];
      caches.sandboxes.put(await client.jsonPatch<Sandbox>(sandboxRef(sandbox), patch, status));
      return undefined;
    }
    case 'writeWorkspaceConditions': {
      const { workspace, conditions, observedGeneration } = action;
      const patch = { ...precondition(workspace), status: { conditions: conditions as Json, observedGeneration } };
      caches.workspaces.put(await client.mergePatch<Workspace>(workspaceRef(workspace), patch, status));
      return undefined;
    }
    default:
      return action satisfies never;
  }
};

/** The version alone: an object made anew has another one, and a wrong uid would be refused as invalid, not as a conflict. */
const precondition = ({ resourceVersion }: Seen) => ({ metadata: { resourceVersion } });

const finalizersPatch = ({ resourceVersion }: Seen, finalizers: readonly string[]): Json => ({
  metadata: { resourceVersion, finalizers },
});

const deletePod = async (
  { client, namespace }: CarryOutDeps,
  { name, uid, resourceVersion, graceSeconds, forget }: Extract<Action, { kind: 'deletePod' }>,
  signal: AbortSignal,
): Promise<void> => {
  const seconds = forget === true ? 0 : graceSeconds;
  const grace = seconds === undefined ? {} : { gracePeriodSeconds: seconds };
  const version = resourceVersion === undefined ? {} : { resourceVersion };
  // A conflict is repeated like any other: it says that this is another pod or another version of it by now, or that the
  // server could not delete it just then, and taken for the first it left a pod alone for ever.
  await unlessGone(client.delete({ type: PODS, namespace, name }, { signal, uid, ...version, ...grace }));
};

const unlessGone = async (attempt: Promise<unknown>): Promise<void> => {
  try {
    await attempt;
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) throw error;
  }
};
