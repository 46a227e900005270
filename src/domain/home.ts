import type { Sandbox } from '../api/sandbox.ts';
import { USER_ID_PATTERN, workspaceName } from '../api/workspace-id.ts';

/** Where a sandbox's files live. */
export type HomeKind =
  | { readonly kind: 'ephemeral' }
  | { readonly kind: 'workspace'; readonly name: string }
  /** The API server would have refused it; only a Sandbox written past its schema gets here. */
  | { readonly kind: 'invalid'; readonly message: string };

const userIdPattern = new RegExp(USER_ID_PATTERN);

/** Which home a Sandbox's spec asks for. Never throws. */
export const homeOf = (sandbox: Sandbox): HomeKind => {
  const { userId, workspace } = sandbox.spec;
  if (workspace.ephemeral) return { kind: 'ephemeral' };
  if (!userIdPattern.test(userId)) {
    return { kind: 'invalid', message: `spec.userId ${JSON.stringify(userId)} is no user id` };
  }
  return { kind: 'workspace', name: workspaceName(userId, workspace.name) };
};
