import { Reason } from '../api/reasons.ts';
import type { Workspace, WorkspaceSession } from '../api/workspace.ts';
import { MAX_CONFLICTS, openConflicts, type WorkspaceConflict } from '../api/workspace-conflict.ts';
import { rfc3339 } from '../base/clock.ts';
import type { Verdict } from './step.ts';
import { conflictMessage } from './workspace-saved.ts';

/** status.conflicts, and with it that the node of an open session is given up: what it holds is not known. */
export const withLost = (
  { status }: Workspace,
  { epoch, node }: Pick<WorkspaceSession, 'epoch' | 'node'>,
  now: number,
): readonly WorkspaceConflict[] =>
  [...(status?.conflicts ?? []), { epoch, node, since: rfc3339(now) }].slice(-MAX_CONFLICTS);

/** Whether there are files of this workspace that are, or may be, nowhere in its head and its history. */
export const conflictVerdict = (workspace: Workspace): Verdict => {
  const { session } = workspace.status ?? {};
  const open = openConflicts(workspace);
  const kept = open.findLast(({ manifest }) => manifest !== undefined);
  if (kept !== undefined) return { status: 'True', reason: Reason.Fenced, message: keptMessage(kept) };
  if (session?.state === 'Conflict' && session.epoch > (workspace.spec.conflictsSeen ?? 0)) {
    return { status: 'True', reason: Reason.Fenced, message: conflictMessage(session) };
  }
  const lost = open.at(-1);
  return lost === undefined
    ? { status: 'False', reason: Reason.NoConflict, message: 'every session ended in HEAD' }
    : { status: 'Unknown', reason: Reason.NodeLost, message: lostMessage(lost) };
};

const keptMessage = ({ epoch, node, manifest }: WorkspaceConflict): string =>
  `what epoch ${epoch} had not committed on node ${node} is kept as ${manifest}: read it with \`matrx workspace restore --at\`, or make it the home with spec.restore; then set spec.conflictsSeen to ${epoch}`;

const lostMessage = ({ epoch, node, since }: WorkspaceConflict): string =>
  `node ${node} was lost at ${since}, and may have files of epoch ${epoch} that were not committed: when it returns it saves them, below conflicts/ where the workspace has gone on; if it never does, set spec.conflictsSeen to ${epoch}`;
