import { workspacePrefix } from '../../../src/api/workspace-id.ts';
import type { Cluster } from '../e2e/cluster.ts';
import { withRestoredHead } from './restored-head.ts';
import { reaches, readWriterState, type WriterState } from './writer.ts';

const WITHIN_MS = 90_000;

/**
 * Waits for the commit that holds everything the user's writer had written up to `number`, going from commit to commit
 * by the Workspace's status, and restores each to see. Resolves with what that commit holds.
 */
export const untilCommitted = async (cluster: Cluster, userId: string, number: number): Promise<WriterState> => {
  const prefix = workspacePrefix(userId);
  let sequence = 0;
  for (;;) {
    const seen = sequence;
    const workspace = await cluster.workspaceUntil(
      userId,
      `a commit after ${seen} is published, because ${number} numbers are written and not all of them are committed`,
      ({ status }) => (status?.head?.sequence ?? 0) > seen,
      WITHIN_MS,
    );
    sequence = workspace.status?.head?.sequence ?? seen;
    const state = await withRestoredHead(cluster, prefix, readWriterState);
    if (reaches(state, number)) return state;
  }
};
