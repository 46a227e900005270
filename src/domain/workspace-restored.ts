import { Reason } from '../api/reasons.ts';
import { sessionTrouble } from './session-verdict.ts';
import type { Situation, Verdict } from './step.ts';

/** Whether the home of the sandbox's current pod was filled before its container started. */
export const workspaceRestored = ({ home, writer, podView }: Situation): Verdict => {
  const no = (reason: Verdict['reason'], message: string): Verdict => ({ status: 'False', reason, message });
  if (podView.kind === 'absent' || podView.kind === 'foreign') return no(Reason.NotStarted, 'there is no pod');
  if (home.kind === 'ephemeral') {
    return { status: 'True', reason: Reason.Ephemeral, message: 'an ephemeral home starts empty' };
  }
  if (writer.kind !== 'ours' || writer.session.kind === 'unopened') {
    return no(Reason.NotStarted, 'the workspace has not been opened on a node yet');
  }
  const { session } = writer.session;
  if (session.state === 'Restoring') {
    const { reason, message } = sessionTrouble(
      session,
      Reason.RestoringWorkspace,
      `the home is being restored on node ${session.node}`,
    );
    return no(reason, message);
  }
  // A session reaches its end without ever being Open when its restore was given up.
  if (session.openedAt === undefined && session.state !== 'Open') {
    return no(Reason.NotStarted, 'the session ended before the home was open');
  }
  return { status: 'True', reason: Reason.Restored, message: 'the home was restored before the container started' };
};
