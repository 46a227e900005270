import { Reason } from '../api/reasons.ts';
import type { Workspace } from '../api/workspace.ts';
import type { WorkspaceCold } from '../api/workspace-cold.ts';
import { hasColdVolume } from './desired-pod.ts';
import type { Nodes } from './node-loss.ts';
import type { Situation, Verdict } from './step.ts';
import { openCold } from './writer.ts';

/** Whether cold storage can be used in the sandbox; undefined where it is no part of it. */
export const coldMounted = ({ podView, writer, workspace, nodes, home }: Situation): Verdict | undefined => {
  const left = home.kind === 'workspace' && writer.kind === 'ours' ? coldLeftBehind(workspace, nodes) : undefined;
  if (left !== undefined) return no(Reason.NodeLost, leftBehindMessage(left));
  const pod = podView.kind === 'absent' || podView.kind === 'foreign' ? undefined : podView.pod;
  const cold = writer.kind === 'ours' ? writer.cold : undefined;
  if (cold !== undefined) return verdictOf(cold);
  if (pod === undefined || !hasColdVolume(pod)) return undefined;
  return no(Reason.NotStarted, 'cold storage has not been asked for on a node yet');
};

const no = (reason: Reason, message: string): Verdict => ({ status: 'False', reason, message });

const verdictOf = (cold: WorkspaceCold): Verdict => {
  switch (cold.state) {
    case 'Mounted':
      return { status: 'True', reason: Reason.Mounted, message: isolationMessage(cold) };
    case 'Mounting':
      return no(cold.reason ?? Reason.Mounting, cold.message ?? `it is being mounted on node ${cold.node}`);
    case 'Failed':
      return no(
        cold.reason ?? Reason.MountFailed,
        `the sandbox runs without it: ${cold.message ?? `it cannot be mounted on node ${cold.node}`}`,
      );
    case 'Draining':
      return no(Reason.UploadingFiles, uploadMessage(cold));
    case 'Closed':
      return no(Reason.NotStarted, 'it is unmounted, and everything is in the bucket');
    default:
      return { status: 'Unknown', reason: Reason.InternalError, message: `unknown state ${String(cold.state)}` };
  }
};

const ISOLATION_WORDS = {
  prefix: "its credentials reach this user's files alone",
  account: "its credentials reach this user's files alone, and may list the names of others",
  none: "its credentials reach every user's files",
} as const;

const isolationMessage = ({ isolation }: WorkspaceCold): string =>
  isolation === undefined ? 'it is mounted' : ISOLATION_WORDS[isolation];

/** What a sandbox that ends still waits for. */
export const uploadMessage = ({ node, unsent, message }: WorkspaceCold): string => {
  const what =
    unsent === undefined
      ? 'files of cold storage'
      : `${unsent.files} files of cold storage (${(unsent.bytes / 2 ** 20).toFixed(1)} MiB)`;
  const why = message === undefined ? '' : `: ${message}`;
  return `${what} are on node ${node} and are being uploaded${why}`;
};

/**
 * Cold storage of an earlier epoch that was never closed: its node was lost and may still have files to send. Mounted
 * elsewhere meanwhile, it would have them come in over newer ones. A node that was deleted from the cluster is not
 * expected to return.
 */
export const coldLeftBehind = (
  workspace: Workspace | undefined,
  nodes: Nodes | undefined,
): WorkspaceCold | undefined => {
  const { cold, writer } = workspace?.status ?? {};
  const left = openCold(cold);
  if (left === undefined || writer === undefined || left.epoch >= writer.epoch) return undefined;
  return nodes?.get(left.node) === undefined ? undefined : left;
};

const leftBehindMessage = ({ node }: WorkspaceCold): string =>
  `node ${node}, which was lost, may have files of cold storage that it has not sent; a pod that is made after it has, or after the node is deleted from the cluster, gets cold storage again`;
