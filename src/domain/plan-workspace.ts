import type { Condition } from '../api/condition.ts';
import { LABEL_PURGE, WORKSPACE_FINALIZER } from '../api/names.ts';
import type { Pod } from '../api/pod.ts';
import { Reason, WorkspaceConditionType } from '../api/reasons.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { Workspace } from '../api/workspace.ts';
import { openConflicts, type WorkspaceConflict } from '../api/workspace-conflict.ts';
import { workspaceName } from '../api/workspace-id.ts';
import { sameJson } from '../base/json.ts';
import type { Action, Assumption } from './action.ts';
import { uploadMessage } from './cold-mounted.ts';
import { filesOn, lossOf } from './node-loss.ts';
import type { Observed } from './observed.ts';
import { progressConditions } from './progress-conditions.ts';
import { purgeStep, purgeVerdict } from './purge.ts';
import { isDeleting, seen, uidOf } from './seen.ts';
import { condition } from './set-condition.ts';
import { sessionTrouble } from './session-verdict.ts';
import type { Verdict } from './step.ts';
import { conflictVerdict, withLost } from './workspace-conflict.ts';
import { savedOnLostNode, sessionSaved } from './workspace-saved.ts';
import { coldOfEpoch, isReleasable, sessionOfEpoch } from './writer.ts';

/** All that a decision about one Workspace by itself rests on. */
export interface ObservedWorkspace extends Pick<Observed, 'now' | 'nodes' | 'installation'> {
  readonly workspace: Workspace;
  /** The Sandbox with the writer's name, whatever its uid. */
  readonly holder: Sandbox | undefined;
  /** The pod with the writer's name, whoever owns it. */
  readonly pod: Pod | undefined;
}

/**
 * What to do about one Workspace apart from any Sandbox: keep its finalizer while somebody writes, take the lock from
 * a Sandbox that is gone for good, say how it is. Pure and total.
 */
export const planWorkspace = (observed: ObservedWorkspace): readonly Action[] => {
  const { workspace } = observed;
  const finalizers = workspace.metadata.finalizers ?? [];
  const hasFinalizer = finalizers.includes(WORKSPACE_FINALIZER);
  if (isDeleting(workspace)) {
    if (!hasFinalizer) return [];
    if (workspace.status?.writer === undefined) return letGo(observed);
  } else if (!hasFinalizer) {
    return [
      {
        kind: 'addWorkspaceFinalizer',
        workspace: seen(workspace),
        finalizers: [...finalizers, WORKSPACE_FINALIZER],
      },
      { kind: 'requeue', afterMs: 0 },
    ];
  }
  const orphan = releaseOrphan(observed);
  return orphan.length > 0 ? orphan : writeConditions(observed);
};

/** Nobody writes to it, and nobody can any more: a sandbox that waits for it does not take one that is being deleted. */
const letGo = (observed: ObservedWorkspace): readonly Action[] => {
  const { workspace } = observed;
  // Of the files of another Workspace's name it has none: it is nobody's lock.
  const purge = expectedName(workspace) === workspace.metadata.name ? purgeStep(observed) : 'done';
  if (purge === 'done') {
    const rest = (workspace.metadata.finalizers ?? []).filter((finalizer) => finalizer !== WORKSPACE_FINALIZER);
    const { purge: purged } = workspace.status ?? {};
    const kept = purged?.message === undefined ? '' : `; ${purged.message}`;
    const note = `deleted all that it had in the bucket, ${purged?.objects} objects, and looked that nothing is left${kept}`;
    return [
      ...(purged?.state === 'Purged' ? [{ kind: 'emitEvent', type: 'Normal', reason: 'Purged', note } as const] : []),
      { kind: 'removeWorkspaceFinalizer', workspace: seen(workspace), finalizers: rest },
    ];
  }
  if (purge === 'wait' || workspace.metadata.labels?.[LABEL_PURGE] !== undefined) return writeConditions(observed);
  return [
    { kind: 'requestPurge', workspace: seen(workspace) },
    { kind: 'requeue', afterMs: 0 },
  ];
};

/**
 * A Sandbox whose finalizer was taken off by hand leaves its lock behind. Its files still come first, unless their node
 * is lost (./node-loss.ts): then it is as for a Sandbox that is there (./lost-node-rule.ts).
 */
const releaseOrphan = (observed: ObservedWorkspace): readonly Action[] => {
  const { workspace, holder, pod, now } = observed;
  const { writer, session, cold } = workspace.status ?? {};
  if (writer === undefined || (holder !== undefined && uidOf(holder) === writer.uid)) return [];
  const left = pod?.metadata.ownerReferences?.some((owner) => owner.uid === writer.uid) === true ? pod : undefined;
  const of = { session: sessionOfEpoch(session, writer.epoch), cold: coldOfEpoch(cold, writer.epoch) };
  const isLetGo = isReleasable(of.session, of.cold);
  const loss = lossOf(observed, left === undefined ? filesOn(of) : left.spec?.nodeName);
  if (loss.kind === 'suspected') return [...writeConditions(observed), { kind: 'requeue', afterMs: loss.waitMs }];
  const gone: Assumption = { kind: 'sandboxGone', name: writer.sandbox, uid: writer.uid };
  const lost: readonly Assumption[] = loss.kind === 'lost' ? [{ kind: 'nodeLost', node: loss.node }] : [];
  if (left !== undefined) {
    if (loss.kind !== 'lost') return [];
    const { name } = left.metadata;
    return [{ kind: 'deletePod', name, uid: uidOf(left), forget: true, assuming: [gone, ...lost] }];
  }
  if (!isLetGo && loss.kind !== 'lost') return [];
  return [
    {
      kind: 'releaseWriter',
      workspace: seen(workspace),
      epoch: writer.epoch,
      ...(of.session.kind === 'active' ? { conflicts: withLost(workspace, of.session.session, now) } : {}),
      assuming: [gone, { kind: 'noPodOf', podName: writer.sandbox, sandboxUid: writer.uid }, ...lost],
    },
    { kind: 'requeue', afterMs: 0 },
  ];
};

const writeConditions = (observed: ObservedWorkspace): readonly Action[] => {
  const { workspace } = observed;
  const before = workspace.status;
  const after = workspaceConditions(observed);
  const observedGeneration = workspace.metadata.generation ?? 0;
  const isSame = before?.observedGeneration === observedGeneration && sameJson(before.conditions ?? [], after);
  return isSame
    ? []
    : [{ kind: 'writeWorkspaceConditions', workspace: seen(workspace), observedGeneration, conditions: after }];
};

const workspaceConditions = (observed: ObservedWorkspace): readonly Condition[] => {
  const { workspace, now } = observed;
  const usable = ready(observed);
  const verdicts: readonly (readonly [string, Verdict])[] = [
    [WorkspaceConditionType.Ready, usable],
    [WorkspaceConditionType.Saved, saved(workspace)],
    [WorkspaceConditionType.Conflict, conflictVerdict(workspace)],
    ...progressConditions(usable),
  ];
  return verdicts.map(([type, verdict]) =>
    condition(type, verdict, workspace.status?.conditions, workspace.metadata.generation ?? 0, now),
  );
};

/** Whether a sandbox can use it, now or once its writer has let go. */
const ready = (observed: ObservedWorkspace): Verdict => {
  const { workspace } = observed;
  const { writer, session } = workspace.status ?? {};
  const expected = expectedName(workspace);
  if (expected !== workspace.metadata.name) {
    return {
      status: 'False',
      reason: Reason.WorkspaceMismatch,
      message: `no sandbox will find it: the workspace of its spec.userId and spec.name is called ${expected ?? 'nothing'}, and neither can be changed; make one of that metadata.name`,
    };
  }
  if (isDeleting(workspace)) {
    return writer === undefined
      ? purgeVerdict(observed)
      : { status: 'False', reason: Reason.Terminating, message: 'it is deleted once its writer has let go' };
  }
  // Only of the one who holds it now: a session that was given up with its node is nobody's trouble any more.
  if (session?.reason !== undefined && session.state === 'Restoring' && session.epoch === writer?.epoch) {
    const { reason, message } = sessionTrouble(session, session.reason, `it cannot be opened on node ${session.node}`);
    return { status: 'False', reason, message };
  }
  return writer === undefined
    ? { status: 'True', reason: Reason.Available, message: 'no sandbox uses it' }
    : { status: 'True', reason: Reason.InUse, message: `sandbox ${writer.sandbox} writes to it` };
};

const expectedName = ({ spec }: Workspace): string | undefined => {
  try {
    return workspaceName(spec.userId, spec.name);
  } catch {
    return undefined;
  }
};

const saved = (workspace: Workspace): Verdict => {
  const { session, head, cold } = workspace.status ?? {};
  if (cold?.state === 'Draining')
    return { status: 'False', reason: Reason.UploadingFiles, message: uploadMessage(cold) };
  const isLost = ({ epoch, manifest }: WorkspaceConflict): boolean =>
    manifest === undefined && epoch === session?.epoch && session.epoch !== workspace.status?.writer?.epoch;
  if (session !== undefined && openConflicts(workspace).some(isLost)) return savedOnLostNode(session, head);
  if (session !== undefined) return sessionSaved(session, head);
  return head === undefined
    ? { status: 'True', reason: Reason.Empty, message: 'nothing has been written yet' }
    : { status: 'True', reason: Reason.Saved, message: `everything is saved in commit ${head.sequence}` };
};
