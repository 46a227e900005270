import { findCondition } from '../../../src/api/condition.ts';
import { LABEL_PURGE } from '../../../src/api/names.ts';
import type { Action, Assumption, Seen } from '../../../src/domain/action.ts';
import { isReady } from '../../../src/domain/node-loss.ts';
import { podView } from '../../../src/domain/pod-view.ts';
import { runView } from '../../../src/domain/run.ts';
import { sessionOfEpoch, writerView } from '../../../src/domain/writer.ts';
import type { ApiServer } from '../../support/model-api-server/api-server.ts';
import type { Snapshot } from '../../support/model-api-server/kinds.ts';
import { Refused } from '../../support/model-api-server/refused.ts';
import { Broken } from './broken.ts';

/** Does what the executor does, and checks against the newest state what no observation may ever lead to. */
export const carryOut = (api: ApiServer, sandboxName: string, action: Action): void => {
  switch (action.kind) {
    case 'addSandboxFinalizer':
      api.update('sandboxes', action.sandbox.name, withFinalizers(action.finalizers), action.sandbox);
      return;
    case 'removeSandboxFinalizer':
      requireAll(api.newest(), action.assuming);
      checkNothingIsHeld(api.newest(), action.sandbox.uid);
      api.update('sandboxes', action.sandbox.name, withFinalizers(action.finalizers), action.sandbox);
      return;
    case 'deleteSandbox':
      requireAll(api.newest(), action.assuming);
      checkNothingIsUnsaved(api.newest(), action.sandbox);
      api.delete('sandboxes', action.sandbox.name, action.sandbox);
      return;
    case 'addWorkspaceFinalizer':
      api.update('workspaces', action.workspace.name, withFinalizers(action.finalizers), action.workspace);
      return;
    case 'removeWorkspaceFinalizer':
      if (api.newest().workspaces.get(action.workspace.name)?.status?.writer !== undefined) {
        requireVersion(api.newest(), action.workspace);
        throw new Broken('a workspace with a writer is let go');
      }
      api.update('workspaces', action.workspace.name, withFinalizers(action.finalizers), action.workspace);
      return;
    case 'createWorkspace':
      api.create('workspaces', action.workspace);
      return;
    case 'acquireWriter':
      api.update(
        'workspaces',
        action.workspace.name,
        (workspace) => {
          if (workspace.status?.writer !== undefined) throw new Broken('a lock is taken from its holder');
          if (action.writer.epoch <= (workspace.status?.epoch ?? 0)) throw new Broken('an epoch does not grow');
          return { ...workspace, status: { ...workspace.status, writer: action.writer, epoch: action.writer.epoch } };
        },
        action.workspace,
      );
      return;
    case 'releaseWriter':
      requireAll(api.newest(), action.assuming);
      api.update(
        'workspaces',
        action.workspace.name,
        (workspace) => {
          const { writer, ...status } = workspace.status ?? {};
          if (writer?.epoch !== action.epoch) throw new Broken('another epoch than the one seen is released');
          const isLost = status.session !== undefined && isLostNode(api.newest(), status.session.node);
          if (sessionOfEpoch(status.session, writer.epoch).kind === 'active' && !isLost)
            throw new Broken('a home is not saved, and its writer is released');
          const isTold = action.conflicts?.some(({ epoch }) => epoch === action.epoch) === true;
          if (sessionOfEpoch(status.session, writer.epoch).kind === 'active' && !isTold)
            throw new Broken('a home is given up with its node, and nobody is told');
          checkNoPod(api.newest(), writer.uid);
          const conflicts = action.conflicts === undefined ? {} : { conflicts: [...action.conflicts] };
          return { ...workspace, status: { ...status, ...conflicts } };
        },
        action.workspace,
      );
      return;
    case 'requestPurge':
      api.update(
        'workspaces',
        action.workspace.name,
        ({ metadata, ...workspace }) => ({
          ...workspace,
          metadata: { ...metadata, labels: { ...metadata.labels, [LABEL_PURGE]: 'requested' } },
        }),
        action.workspace,
      );
      return;
    case 'createNetworkPolicy':
      if (!api.newest().networkpolicies.has(action.policy.metadata.name)) api.create('networkpolicies', action.policy);
      return;
    case 'createPod':
      api.create('pods', action.pod);
      return;
    case 'deletePod':
      requireAll(api.newest(), action.assuming);
      if (action.forget === true) return forgetPod(api, action.name, action.uid);
      checkNotWanted(api.newest(), api.now(), action.name, action.uid);
      api.delete('pods', action.name, { uid: action.uid, resourceVersion: action.resourceVersion });
      return;
    case 'writeSandboxStatus':
      api.update(
        'sandboxes',
        action.sandbox.name,
        (sandbox) => ({ ...sandbox, status: action.status }),
        action.sandbox,
      );
      return;
    case 'writeWorkspaceConditions':
      api.update(
        'workspaces',
        action.workspace.name,
        (workspace) => ({
          ...workspace,
          status: {
            ...workspace.status,
            observedGeneration: action.observedGeneration,
            conditions: [...action.conditions],
          },
        }),
        action.workspace,
      );
      return;
    case 'emitEvent':
    case 'requeue':
      return;
    default:
      throw new Broken(`unknown action for ${sandboxName}: ${JSON.stringify(action satisfies never)}`);
  }
};

const withFinalizers =
  (finalizers: readonly string[]) =>
  <T extends { readonly metadata: object }>(object: T): T => ({
    ...object,
    metadata: { ...object.metadata, finalizers },
  });

const requireVersion = (
  { workspaces }: Snapshot,
  seen: { readonly name: string; readonly resourceVersion: string },
): void => {
  if (workspaces.get(seen.name)?.metadata.resourceVersion !== seen.resourceVersion) throw new Refused('stale');
};

const requireAll = (world: Snapshot, assuming: readonly Assumption[]): void => {
  for (const assumption of assuming) if (!holds(world, assumption)) throw new Refused(`not so: ${assumption.kind}`);
};

const holds = (world: Snapshot, assumption: Assumption): boolean => {
  const { sandboxes, workspaces, pods } = world;
  switch (assumption.kind) {
    case 'workspaceUnchanged':
      return (
        workspaces.get(assumption.workspace.name)?.metadata.resourceVersion === assumption.workspace.resourceVersion
      );
    case 'workspaceAbsent':
      return !workspaces.has(assumption.name);
    case 'sandboxSpecUnchanged': {
      const metadata = sandboxes.get(assumption.name)?.metadata;
      return metadata?.uid === assumption.uid && metadata.generation === assumption.generation;
    }
    case 'sandboxUnchanged':
      return sandboxes.get(assumption.sandbox.name)?.metadata.resourceVersion === assumption.sandbox.resourceVersion;
    case 'sandboxGone':
      return sandboxes.get(assumption.name)?.metadata.uid !== assumption.uid;
    case 'nodeLost':
      return isLostNode(world, assumption.node);
    case 'noPodOf':
      return !pods
        .get(assumption.podName)
        ?.metadata.ownerReferences?.some((owner) => owner.uid === assumption.sandboxUid);
    default:
      return assumption satisfies never;
  }
};

export const isLostNode = ({ nodes }: Snapshot, name: string): boolean => {
  const node = nodes.get(name);
  return node === undefined || !isReady(node);
};

/** Only of a node that is lost: anywhere else its processes may still run, and its home be written to. */
const forgetPod = (api: ApiServer, name: string, uid: string): void => {
  const pod = api.newest().pods.get(name);
  if (pod === undefined || pod.metadata.uid !== uid) throw new Refused('it is another, or gone', 'NotFound');
  const node = pod.spec?.nodeName;
  if (node === undefined || !isLostNode(api.newest(), node)) throw new Broken('a pod is forgotten, and its node lives');
  api.erase('pods', name);
};

export const checkNoPod = ({ pods }: Snapshot, sandboxUid: string): void => {
  for (const pod of pods.values()) {
    if (pod.metadata.ownerReferences?.some((owner) => owner.uid === sandboxUid)) {
      throw new Broken('a writer is released while its pod is there');
    }
  }
};

export const checkNothingIsHeld = (world: Snapshot, sandboxUid: string): void => {
  checkNoPod(world, sandboxUid);
  for (const workspace of world.workspaces.values()) {
    if (workspace.status?.writer?.uid === sandboxUid) throw new Broken('a finalizer goes while its writer is held');
  }
};

/**
 * A record goes only when it is finished and nothing of it is unsaved, as the newest state has it. One that has changed
 * since it was looked at is refused by the API server, so it does not count.
 */
export const checkNothingIsUnsaved = (world: Snapshot, seen: Seen): void => {
  const sandbox = world.sandboxes.get(seen.name);
  if (sandbox === undefined || sandbox.metadata.resourceVersion !== seen.resourceVersion) return;
  checkNothingIsHeld(world, seen.uid);
  const { desiredState, lifetime } = sandbox.spec;
  const isSuspended = desiredState === 'Suspended' || (desiredState === 'Running' && lifetime.onExpire === 'Suspend');
  if (isSuspended) throw new Broken('a suspended sandbox is purged');
  const saved = findCondition(sandbox.status?.conditions, 'WorkspaceSaved');
  if (saved?.status !== 'True' && saved?.reason !== 'Ephemeral') throw new Broken('an unsaved sandbox is purged');
};

/** A pod that the newest state wants and that can save must never be deleted, however old the observation. */
export const checkNotWanted = (
  { sandboxes, workspaces, pods }: Snapshot,
  now: number,
  name: string,
  uid: string,
): void => {
  const pod = pods.get(name);
  const sandbox = sandboxes.get(name);
  if (pod?.metadata.uid !== uid || sandbox === undefined) return;
  if (runView(sandbox, now).kind !== 'going') return;
  if (podView(pod, sandbox).kind !== 'live') return;
  const workspace = [...workspaces.values()].find((one) => one.status?.writer?.uid === sandbox.metadata.uid);
  const writer = writerView(workspace, sandbox);
  const canSave = sandbox.spec.workspace.ephemeral || (writer.kind === 'ours' && writer.session.kind !== 'final');
  if (canSave) throw new Broken('a live, right pod is deleted');
};
