import type { Sandbox } from '../api/sandbox.ts';
import type { Workspace } from '../api/workspace.ts';
import { runView } from './run.ts';
import { uidOf } from './seen.ts';

/** What a user may have, in every installation's settings; undefined: as much as there is. */
export interface UserQuota {
  /** Sandboxes that are to run at the same time. */
  readonly sandboxes?: number | undefined;
  /** Of all workspaces of the user: homes as of their last commit, and cold storage as it was last counted. */
  readonly bytes?: number | undefined;
}

/** What a user has, besides the one Sandbox that is asked about. */
export interface UserUsage {
  readonly sandboxes: number;
  readonly bytes: number;
}

/**
 * Those of the user's Sandboxes that go before this one: which have a pod already, and which are to get one and were
 * there first. So the same ones are chosen in whatever order they are looked at, and none of them counts on a place that
 * another takes at the same moment.
 */
export const sandboxesAhead = (
  sandbox: Sandbox,
  ofUser: readonly Sandbox[],
  hasPod: (sandbox: Sandbox) => boolean,
  now: number,
): number =>
  ofUser.filter(
    (other) =>
      uidOf(other) !== uidOf(sandbox) &&
      runView(other, now).kind === 'going' &&
      (hasPod(other) || isBefore(other, sandbox)),
  ).length;

const isBefore = (a: Sandbox, b: Sandbox): boolean => orderOf(a) < orderOf(b);

/** Times of RFC 3339 in UTC are in the order of their letters. */
const orderOf = (sandbox: Sandbox): string => `${sandbox.metadata.creationTimestamp ?? ''}/${uidOf(sandbox)}`;

export const bytesStored = (workspaces: readonly Workspace[]): number =>
  workspaces.reduce((sum, { status }) => sum + (status?.head?.bytes ?? 0) + (status?.coldUsage?.bytes ?? 0), 0);

/** Why no pod is made for another sandbox of the user; undefined: one more is within the quota. */
export const quotaExceeded = (userId: string, usage: UserUsage, quota: UserQuota): string | undefined => {
  const { sandboxes, bytes } = quota;
  if (sandboxes !== undefined && usage.sandboxes >= sandboxes) {
    return `user ${userId} has ${usage.sandboxes} sandboxes that run or wait before this one, and may have ${sandboxes}: stop one, and this one starts`;
  }
  if (bytes !== undefined && usage.bytes > bytes) {
    return `user ${userId} has stored ${mebibytes(usage.bytes)} MiB and may store ${mebibytes(bytes)} MiB: go back to a smaller commit (spec.restore of the Workspace), delete a workspace that is not needed or files of cold storage (\`matrx workspace cleanup\`), or raise MATRX_USER_BYTES`;
  }
  return undefined;
};

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
