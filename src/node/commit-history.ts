import { MAX_HISTORY, type WorkspaceCommit } from '../api/workspace.ts';
import { rfc3339 } from '../base/clock.ts';
import type { HeadSummary } from '../workspace/home.ts';

/** `commits`, the newest first, and `head` before them if it is a commit that is not there yet. */
export const withCommit = (commits: readonly WorkspaceCommit[], head: HeadSummary): readonly WorkspaceCommit[] => {
  if (head.manifest === undefined || commits[0]?.manifest === head.manifest) return commits;
  const { sequence, manifest, committedAt, files, bytes } = head;
  return mergeHistory(commits, [{ sequence, manifest, committedAt: rfc3339(committedAt), files, bytes }]);
};

/**
 * The history with newer commits, the newest first, put before it. A sequence is in a workspace's history once: what
 * stands at or above one of `newer` was another writer's, or of a bucket that was emptied since.
 */
export const mergeHistory = (
  history: readonly WorkspaceCommit[],
  newer: readonly WorkspaceCommit[],
): readonly WorkspaceCommit[] => {
  const oldest = newer.at(-1)?.sequence ?? Infinity;
  return [...newer, ...history.filter(({ sequence }) => sequence < oldest)].slice(0, MAX_HISTORY);
};
