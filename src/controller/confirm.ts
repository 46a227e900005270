import type { KubeObject } from '../api/meta.ts';
import type { Node } from '../api/node.ts';
import type { Pod } from '../api/pod.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { Workspace } from '../api/workspace.ts';
import type { Assumption } from '../domain/action.ts';
import { isReady } from '../domain/node-loss.ts';
import type { KubeClient, ObjectRef, ResourceType } from '../kube/client.ts';
import { isKubeError, KubeError } from '../kube/errors.ts';
import { NODES, PODS, SANDBOXES, WORKSPACES } from '../kube/resource-types.ts';
import type { Caches } from './caches.ts';

export interface ConfirmDeps {
  readonly client: Pick<KubeClient, 'get'>;
  readonly caches: Caches;
  readonly namespace: string;
}

/**
 * Asks the API server whether what a destructive action rests on is so right now. Throws a KubeError `Conflict` if not:
 * the pass was made from an old view and is repeated with the new one, which is put into the caches on the way.
 */
export const confirm = async (
  deps: ConfirmDeps,
  assuming: readonly Assumption[],
  signal: AbortSignal,
): Promise<void> => {
  for (const assumption of assuming) {
    if (await isSo(deps, assumption, signal)) continue;
    throw new KubeError('Conflict', `the view was old: ${assumption.kind} is not so any more`);
  }
};

const isSo = async (deps: ConfirmDeps, assumption: Assumption, signal: AbortSignal): Promise<boolean> => {
  const { caches } = deps;
  switch (assumption.kind) {
    case 'workspaceUnchanged': {
      const { name, uid, resourceVersion } = assumption.workspace;
      const workspace = await find<Workspace>(deps, WORKSPACES, name, signal);
      if (workspace !== undefined) caches.workspaces.put(workspace);
      return workspace?.metadata.uid === uid && workspace.metadata.resourceVersion === resourceVersion;
    }
    case 'workspaceAbsent': {
      const workspace = await find<Workspace>(deps, WORKSPACES, assumption.name, signal);
      if (workspace !== undefined) caches.workspaces.put(workspace);
      return workspace === undefined;
    }
    case 'sandboxSpecUnchanged': {
      const sandbox = await find<Sandbox>(deps, SANDBOXES, assumption.name, signal);
      if (sandbox !== undefined) caches.sandboxes.put(sandbox);
      return sandbox?.metadata.uid === assumption.uid && sandbox.metadata.generation === assumption.generation;
    }
    case 'sandboxUnchanged': {
      const { name, uid, resourceVersion } = assumption.sandbox;
      const sandbox = await find<Sandbox>(deps, SANDBOXES, name, signal);
      if (sandbox !== undefined) caches.sandboxes.put(sandbox);
      return sandbox?.metadata.uid === uid && sandbox.metadata.resourceVersion === resourceVersion;
    }
    case 'sandboxGone': {
      const sandbox = await find<Sandbox>(deps, SANDBOXES, assumption.name, signal);
      if (sandbox !== undefined) caches.sandboxes.put(sandbox);
      return sandbox?.metadata.uid !== assumption.uid;
    }
    case 'nodeLost': {
      const node = await getOrNone<Node>(deps.client, { type: NODES, name: assumption.node }, signal);
      return node === undefined || !isReady(node);
    }
    case 'noPodOf': {
      const pod = await find<Pod>(deps, PODS, assumption.podName, signal);
      const isOurs = pod !== undefined && isControlledBy(pod, assumption.sandboxUid);
      if (isOurs) caches.pods.put(pod);
      return !isOurs;
    }
    default:
      return assumption satisfies never;
  }
};

const isControlledBy = (pod: Pod, sandboxUid: string): boolean =>
  pod.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === sandboxUid) ?? false;

/** The object as the API server has it now; undefined: there is none. Throws a KubeError for any other failure. */
export const find = <T extends KubeObject>(
  { client, namespace }: Pick<ConfirmDeps, 'client' | 'namespace'>,
  type: ResourceType,
  name: string,
  signal: AbortSignal,
): Promise<T | undefined> => getOrNone<T>(client, { type, namespace, name }, signal);

const getOrNone = async <T extends KubeObject>(
  client: ConfirmDeps['client'],
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<T | undefined> => {
  try {
    return await client.get<T>(ref, { signal });
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return undefined;
    throw error;
  }
};
