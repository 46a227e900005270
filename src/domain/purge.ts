import { Reason } from '../api/reasons.ts';
import type { Workspace } from '../api/workspace.ts';
import { openConflicts, type WorkspaceConflict } from '../api/workspace-conflict.ts';
import type { Nodes } from './node-loss.ts';
import type { Verdict } from './step.ts';

interface Deleted {
  readonly workspace: Workspace;
  readonly nodes?: Nodes | undefined;
}

/**
 * How far the files are of a Workspace that is being deleted and has no writer. `done`: they are to stay, or the bucket
 * was looked through and has none any more; only then may the Workspace go. `wait`: a node that was lost may yet save
 * files of it, which would be there after all, with nobody to delete them.
 */
export const purgeStep = ({ workspace, nodes }: Deleted): 'done' | 'wait' | 'purge' => {
  if (workspace.spec.deletionPolicy !== 'Purge' || workspace.status?.purge?.state === 'Purged') return 'done';
  return awaitedNode(workspace, nodes) === undefined ? 'purge' : 'wait';
};

/** Of one whose files are to go, and have not gone yet. */
export const purgeVerdict = ({ workspace, nodes }: Deleted): Verdict => {
  const awaited = awaitedNode(workspace, nodes);
  const no = (reason: Reason, message: string): Verdict => ({ status: 'False', reason, message });
  if (awaited !== undefined) {
    return no(
      Reason.NodeLost,
      `node ${awaited.node}, which was lost, may yet save files of epoch ${awaited.epoch}: its files are deleted once it has, once the node is deleted from the cluster, or once spec.conflictsSeen is ${awaited.epoch}`,
    );
  }
  const { purge } = workspace.status ?? {};
  if (purge === undefined) return no(Reason.Purging, 'a node driver is asked to delete its files from the bucket');
  const trouble = purge.message === undefined ? '' : `; ${purge.message}`;
  return no(
    Reason.Purging,
    `node ${purge.node} deletes its files from the bucket, ${purge.objects} objects so far${trouble}`,
  );
};

/** A node that was deleted from the cluster is not expected to return. */
const awaitedNode = (workspace: Workspace, nodes: Nodes | undefined): WorkspaceConflict | undefined =>
  openConflicts(workspace).find(({ manifest, node }) => manifest === undefined && nodes?.get(node) !== undefined);
