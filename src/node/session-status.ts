import type { WorkspaceCommit, WorkspaceHead, WorkspaceRestored, WorkspaceSession } from '../api/workspace.ts';
import { rfc3339 } from '../base/clock.ts';
import { canonicalJson, type Json } from '../base/json.ts';
import type { JsonPatchOperation } from '../kube/client.ts';
import type { HeadSummary } from '../workspace/home.ts';
import type { SessionFailure } from './session-failure.ts';
import type { SessionRecord } from './session-record.ts';

/** All that a session has to say about itself. */
export interface SessionView {
  readonly record: SessionRecord;
  /** True when the home may be mounted as it is. */
  readonly ready: boolean;
  /** What its last attempt met; undefined when that went well. */
  readonly failure: SessionFailure | undefined;
  /** What it is at, for people: `restored 1200 of 20000 files`. */
  readonly progress: string | undefined;
  readonly dirty: boolean;
  readonly skipped: number;
  readonly head: HeadSummary | undefined;
  /** The heads that this process has seen of this session, the newest first: ./commit-history.ts. */
  readonly commits: readonly WorkspaceCommit[];
}

type UntimedSession = Omit<WorkspaceSession, 'updatedAt'>;

const sessionOf = (view: SessionView, node: string): UntimedSession => {
  const message = view.failure?.message ?? view.progress;
  return {
    epoch: view.record.epoch,
    node,
    state: view.record.state,
    ...(view.failure === undefined ? {} : { reason: view.failure.reason }),
    ...(message === undefined ? {} : { message }),
    dirty: view.dirty,
    ...(view.skipped === 0 ? {} : { skipped: view.skipped }),
    ...(view.record.openedAt === undefined ? {} : { openedAt: view.record.openedAt }),
  };
};

/**
 * A workspace that was never committed to has no head worth showing; but a head that fences us is shown whatever it
 * holds, because the controller chooses the next epoch above it.
 */
const headOf = ({ head, record }: SessionView): WorkspaceHead | undefined => {
  if (head === undefined || (head.manifest === undefined && head.epoch <= record.epoch)) return undefined;
  return {
    epoch: head.epoch,
    sequence: head.sequence,
    manifest: head.manifest ?? '',
    committedAt: rfc3339(head.committedAt),
    files: head.files,
    bytes: head.bytes,
  };
};

const restoredOf = ({ head }: SessionView): WorkspaceRestored | undefined =>
  head?.restored === undefined ? undefined : { ...head.restored, at: rfc3339(head.restored.at) };

/** Equal for views that say the same: such a view is not written again. */
export const viewKey = (view: SessionView, node: string): string =>
  canonicalJson([sessionOf(view, node), headOf(view) ?? null, restoredOf(view) ?? null]);

/**
 * The view as a patch of the Workspace's status. Its first operations make the API server refuse it unless this very
 * Sandbox is still the writer and the epoch still ours: a fenced driver cannot write over its successor's report.
 * `history`: undefined where it has not changed. `now` is milliseconds since the epoch.
 */
export const statusPatch = (
  view: SessionView,
  node: string,
  now: number,
  history?: readonly WorkspaceCommit[],
): readonly JsonPatchOperation[] => {
  const restored = restoredOf(view);
  return [
    { op: 'test', path: '/status/writer/epoch', value: view.record.epoch },
    { op: 'test', path: '/status/writer/uid', value: view.record.sandboxUid },
    ...finalPatch(view, node, now),
    ...(history === undefined ? [] : [{ op: 'add' as const, path: '/status/history', value: history as Json }]),
    ...(restored === undefined ? [] : [{ op: 'add' as const, path: '/status/restored', value: restored as Json }]),
  ];
};

/** What the session says of itself and of HEAD, without a test of who may say it. */
export const finalPatch = (view: SessionView, node: string, now: number): readonly JsonPatchOperation[] => {
  const head = headOf(view);
  const session = { ...sessionOf(view, node), updatedAt: rfc3339(now) };
  return [
    { op: 'add', path: '/status/session', value: session as Json },
    ...(head === undefined ? [] : [{ op: 'add' as const, path: '/status/head', value: head as Json }]),
  ];
};
