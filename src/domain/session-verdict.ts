import type { Reason } from '../api/reasons.ts';
import type { WorkspaceSession } from '../api/workspace.ts';

/** What is said of a session that holds things up: the driver's closed reason where it gave one. */
export const sessionTrouble = (
  session: WorkspaceSession,
  otherwise: Reason,
  message: string,
): { readonly reason: Reason; readonly message: string } => ({
  reason: session.reason ?? otherwise,
  message: session.message === undefined ? message : `${message}: ${session.message}`,
});

export const savingMessage = (session: WorkspaceSession): string =>
  `the home is on node ${session.node} and is being saved`;
