import type { Condition } from '../api/condition.ts';
import { WORKSPACE_FINALIZER } from '../api/names.ts';
import type { Pod } from '../api/pod.ts';
import { Reason, WorkspaceConditionType } from '../api/reasons.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { Workspace } from '../api/workspace.ts';
import { workspaceName } from '../api/workspace-id.ts';
import { canonicalJson } from '../base/json.ts';
import type { Action } from './action.ts';
import { uploadMessage } from './cold-mounted.ts';
import { isDeleting, seen, uidOf } from './seen.ts';
import { condition } from './set-condition.ts';
import { sessionTrouble } from './session-verdict.ts';
import type { Verdict } from './step.ts';
import { conflictMessage, sessionSaved } from './workspace-saved.ts';
import { coldOfEpoch, isReleasable, sessionOfEpoch } from './writer.ts';

/** All that a decision about one Workspace by itself rests on. */
export interface ObservedWorkspace {
  /** Milliseconds since the epoch. */
  readonly now: number;
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
    if (workspace.status?.writer === undefined) {
      const rest = finalizers.filter((finalizer) => finalizer !== WORKSPACE_FINALIZER);
      return [{ kind: 'removeWorkspaceFinalizer', workspace: seen(workspace), finalizers: rest }];
    }
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

/** A Sandbox whose finalizer was taken off by hand leaves its lock behind. Its files still come first. */
const releaseOrphan = ({ workspace, holder, pod }: ObservedWorkspace): readonly Action[] => {
  const { writer, session, cold } = workspace.status ?? {};
  if (writer === undefined || (holder !== undefined && uidOf(holder) === writer.uid)) return [];
  const podIsLeft = pod?.metadata.ownerReferences?.some((owner) => owner.uid === writer.uid) ?? false;
  const isLetGo = isReleasable(sessionOfEpoch(session, writer.epoch), coldOfEpoch(cold, writer.epoch));
  if (podIsLeft || !isLetGo) return [];
  return [
    {
      kind: 'releaseWriter',
      workspace: seen(workspace),
      epoch: writer.epoch,
      assuming: [
        { kind: 'sandboxGone', name: writer.sandbox, uid: writer.uid },
        { kind: 'noPodOf', podName: writer.sandbox, sandboxUid: writer.uid },
      ],
    },
    { kind: 'requeue', afterMs: 0 },
  ];
};

const writeConditions = (observed: ObservedWorkspace): readonly Action[] => {
  const { workspace } = observed;
  const before = workspace.status;
  const after = workspaceConditions(observed);
  const observedGeneration = workspace.metadata.generation ?? 0;
  const isSame =
    before?.observedGeneration === observedGeneration &&
    canonicalJson(before.conditions ?? []) === canonicalJson(after);
  return isSame
    ? []
    : [{ kind: 'writeWorkspaceConditions', workspace: seen(workspace), observedGeneration, conditions: after }];
};

const workspaceConditions = ({ workspace, now }: ObservedWorkspace): readonly Condition[] => {
  const verdicts: readonly (readonly [string, Verdict])[] = [
    [WorkspaceConditionType.Ready, ready(workspace)],
    [WorkspaceConditionType.Saved, saved(workspace)],
    [WorkspaceConditionType.Conflict, conflict(workspace)],
  ];
  return verdicts.map(([type, verdict]) =>
    condition(type, verdict, workspace.status?.conditions, workspace.metadata.generation ?? 0, now),
  );
};

/** Whether a sandbox can use it, now or once its writer has let go. */
const ready = (workspace: Workspace): Verdict => {
  const { writer, session } = workspace.status ?? {};
  const expected = expectedName(workspace);
  if (expected !== workspace.metadata.name) {
    return {
      status: 'False',
      reason: Reason.WorkspaceMismatch,
      message: `no sandbox will find it: the workspace of this user and name is called ${expected ?? 'nothing'}`,
    };
  }
  if (isDeleting(workspace)) {
    return { status: 'False', reason: Reason.Terminating, message: 'it is deleted once its writer has let go' };
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
  if (session !== undefined) return sessionSaved(session, head);
  return head === undefined
    ? { status: 'True', reason: Reason.Empty, message: 'nothing has been written yet' }
    : { status: 'True', reason: Reason.Saved, message: `everything is saved in commit ${head.sequence}` };
};

const conflict = (workspace: Workspace): Verdict => {
  const session = workspace.status?.session;
  return session?.state === 'Conflict'
    ? { status: 'True', reason: Reason.Fenced, message: conflictMessage(session) }
    : { status: 'False', reason: Reason.NoConflict, message: 'every session ended in HEAD' };
};
