import { findCondition } from '../api/condition.ts';
import { Reason, SandboxConditionType } from '../api/reasons.ts';
import type { WorkspaceHead, WorkspaceSession } from '../api/workspace.ts';
import { savingMessage, sessionTrouble } from './session-verdict.ts';
import type { Situation, Verdict } from './step.ts';
import { uploadMessage } from './cold-mounted.ts';

/**
 * Whether everything written in this sandbox is in the bucket, as far as the node driver has said. True is a promise:
 * it is said only where no file of this sandbox can be lost with the node.
 */
export const workspaceSaved = (situation: Situation): Verdict => {
  const { home, writer, sandbox, workspace, loss } = situation;
  if (home.kind === 'ephemeral') {
    return { status: 'False', reason: Reason.Ephemeral, message: 'nothing of an ephemeral home is kept' };
  }
  if (writer.kind === 'ours' && writer.session.kind !== 'unopened') {
    const { session } = writer.session;
    const head = workspace?.status?.head;
    if (loss.kind === 'lost' && writer.session.kind === 'active' && session.state !== 'Restoring') {
      return savedOnLostNode(session, head);
    }
    const saved = sessionSaved(session, head);
    return saved.status === 'True' && writer.cold?.state === 'Draining'
      ? { status: 'False', reason: Reason.UploadingFiles, message: uploadMessage(writer.cold) }
      : saved;
  }
  // Nothing is open in our name. What was said when the last session ended still holds; without one there is nothing.
  const before = findCondition(sandbox.status?.conditions, SandboxConditionType.WorkspaceSaved);
  if (before !== undefined && hasOpenedBefore(situation)) {
    return { status: before.status, reason: before.reason as Reason, message: before.message };
  }
  return { status: 'True', reason: Reason.NotStarted, message: 'no home has been opened, so nothing is unsaved' };
};

const hasOpenedBefore = ({ sandbox }: Situation): boolean =>
  findCondition(sandbox.status?.conditions, SandboxConditionType.WorkspaceSaved)?.reason !== Reason.NotStarted;

/** Of one whose node is lost: what it had not saved cannot be known. */
export const savedOnLostNode = (session: WorkspaceSession, head: WorkspaceHead | undefined): Verdict => ({
  status: session.dirty || session.state === 'Saving' ? 'False' : 'Unknown',
  reason: Reason.NodeLost,
  message: `what was written after ${lastCommit(head)} is on node ${session.node}, which is lost: when it returns, it is saved, below conflicts/ where the workspace has gone on`,
});

/** The same for whoever holds the session. */
export const sessionSaved = (session: WorkspaceSession, head: WorkspaceHead | undefined): Verdict => {
  switch (session.state) {
    case 'Closed':
      return saved(head);
    case 'Conflict':
      return {
        status: 'False',
        reason: Reason.Fenced,
        message: conflictMessage(session),
      };
    case 'Saving': {
      const { reason, message } = sessionTrouble(session, Reason.SavingWorkspace, savingMessage(session));
      return { status: 'False', reason, message };
    }
    // While it is being restored, all that the home holds came from the bucket.
    case 'Restoring':
      return saved(head);
    case 'Open':
      return openSaved(session, head);
    default:
      return {
        status: 'Unknown',
        reason: Reason.InternalError,
        message: `unknown session state ${String(session.state)}`,
      };
  }
};

export const conflictMessage = (session: WorkspaceSession): string =>
  session.message ??
  'another writer had published a newer state; what was not saved is kept below conflicts/ in the bucket';

const openSaved = (session: WorkspaceSession, head: WorkspaceHead | undefined): Verdict => {
  if (session.reason !== undefined) {
    const { reason, message } = sessionTrouble(session, session.reason, `changes stay on node ${session.node} for now`);
    return { status: 'False', reason, message };
  }
  if (!session.dirty) return saved(head);
  return {
    status: 'False',
    reason: Reason.UnsavedChanges,
    message: `changes since ${lastCommit(head)} are on node ${session.node} only`,
  };
};

const saved = (head: WorkspaceHead | undefined): Verdict => ({
  status: 'True',
  reason: Reason.Saved,
  message: head === undefined ? 'nothing has been written yet' : `everything is saved in ${lastCommit(head)}`,
});

const lastCommit = (head: WorkspaceHead | undefined): string =>
  head === undefined ? 'the start' : `commit ${head.sequence} of ${head.committedAt}`;
