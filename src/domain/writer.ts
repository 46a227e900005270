import type { Sandbox } from '../api/sandbox.ts';
import type { Workspace, WorkspaceSession, WorkspaceWriter } from '../api/workspace.ts';
import type { WorkspaceCold } from '../api/workspace-cold.ts';
import { uidOf } from './seen.ts';

/** Who may write to a workspace, as seen by one Sandbox. */
export type WriterView =
  | { readonly kind: 'none' }
  | { readonly kind: 'other'; readonly writer: WorkspaceWriter }
  | {
      readonly kind: 'ours';
      readonly writer: WorkspaceWriter;
      readonly session: SessionView;
      /** Of this epoch; undefined where no cold storage was opened in it. */
      readonly cold: WorkspaceCold | undefined;
    };

/**
 * What became of an epoch. A node driver opens a session for it when kubelet publishes the pod's volume, and closes it
 * when everything the home held is in the bucket; until then the files exist on that node alone.
 */
export type SessionView =
  | { readonly kind: 'unopened' }
  | { readonly kind: 'active'; readonly session: WorkspaceSession }
  /** Closed or Conflict: the driver has let go of the epoch for good. */
  | { readonly kind: 'final'; readonly session: WorkspaceSession };

export const writerView = (workspace: Workspace | undefined, sandbox: Sandbox): WriterView => {
  const writer = workspace?.status?.writer;
  if (writer === undefined) return { kind: 'none' };
  if (writer.uid !== uidOf(sandbox)) return { kind: 'other', writer };
  const { session, cold } = workspace?.status ?? {};
  return {
    kind: 'ours',
    writer,
    session: sessionOfEpoch(session, writer.epoch),
    cold: coldOfEpoch(cold, writer.epoch),
  };
};

export const coldOfEpoch = (cold: WorkspaceCold | undefined, epoch: number): WorkspaceCold | undefined =>
  cold === undefined || cold.epoch < epoch ? undefined : cold;

/**
 * Cold storage that holds things up: a node driver says that it is open before the pod can write to it, and that it is
 * closed once all is sent.
 */
export const openCold = (cold: WorkspaceCold | undefined): WorkspaceCold | undefined =>
  cold?.state === 'Closed' ? undefined : cold;

export const sessionOfEpoch = (session: WorkspaceSession | undefined, epoch: number): SessionView => {
  // A session of a higher epoch than the writer's cannot be; if it is, whoever opened it may still hold files.
  if (session === undefined || session.epoch < epoch) return { kind: 'unopened' };
  if (session.state === 'Closed' || session.state === 'Conflict') return { kind: 'final', session };
  return { kind: 'active', session };
};

/**
 * The one rule that keeps files from being lost: an epoch that a node has opened is given up only when that node has
 * said that it let go. (That the pod is gone is the other half; the action's assumption sees to it.)
 */
export const isReleasable = (session: SessionView, cold: WorkspaceCold | undefined): boolean =>
  session.kind !== 'active' && openCold(cold) === undefined;

/**
 * The next fencing number: above every number this workspace has shown. HEAD's own counts too, so that a Workspace
 * object that was deleted and made again starts above what the bucket has seen.
 */
export const nextEpoch = (workspace: Workspace): number => {
  const { epoch, writer, session, head, cold } = workspace.status ?? {};
  return Math.max(epoch ?? 0, writer?.epoch ?? 0, session?.epoch ?? 0, head?.epoch ?? 0, cold?.epoch ?? 0) + 1;
};
