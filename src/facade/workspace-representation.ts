import { z } from 'zod';
import { findCondition } from '../api/condition.ts';
import { WorkspaceConditionType } from '../api/reasons.ts';
import type { Workspace } from '../api/workspace.ts';
import { openConflicts } from '../api/workspace-conflict.ts';
import { Time } from './representation.ts';

export const Commit = z
  .object({
    sequence: z.int().min(0),
    committed_at: Time,
    files: z.int().min(0),
    bytes: z.int().min(0),
    manifest: z.string().describe("The commit's name in the bucket, below the workspace's prefix."),
  })
  .describe('One complete state of a home.')
  .meta({ id: 'Commit' });

const RestoreState = z.object({
  request_id: z.string(),
  sequence: z.int().nullable(),
  manifest: z.string().nullable(),
  state: z.enum(['pending', 'done']).describe('`pending`: the next sandbox of the workspace begins with it.'),
  done_at: Time.nullable(),
});

const ColdUsage = z.object({
  objects: z.int().min(0),
  bytes: z.int().min(0),
  complete: z.boolean().describe('False where there are more: counting ends at 10,000 objects.'),
  counted_at: Time,
});

const KeptConflict = z
  .object({
    epoch: z.int().min(0),
    node: z.string(),
    since: Time,
    manifest: z.string().nullable().describe('What going back takes as the commit; null while the node is lost.'),
  })
  .describe('Files that did not get into a commit: another writer had gone on, or their node was lost.');

/** A Workspace as the REST API shows it. */
export const WorkspaceRepresentation = z
  .object({
    user_id: z.string(),
    name: z.string().nullable().describe("Null: the user's own."),
    saved: z.boolean().nullable().describe('Whether all that the home holds is saved; null where that is not known.'),
    message: z.string().nullable().describe('Why it is not, or how it came to be.'),
    head: Commit.nullable().describe('The newest commit, with what the home holds; null before the first.'),
    cold: ColdUsage.nullable().describe(
      'What cold storage had in the bucket when it was last closed; null before that.',
    ),
    history: z.array(Commit).describe('The newest commits, the newest first; older ones are in the bucket.'),
    writer: z.object({ sandbox_id: z.string(), since: Time }).nullable().describe('The sandbox that has the home now.'),
    conflicts: z.array(KeptConflict).describe('What nobody has looked at yet, the oldest first.'),
    restore: RestoreState.nullable().describe('What was last asked for, or last done, of going back.'),
  })
  .describe("A user's durable files.")
  .meta({ id: 'Workspace' });
export type WorkspaceRepresentation = Readonly<z.infer<typeof WorkspaceRepresentation>>;

interface KubeCommit {
  readonly sequence: number;
  readonly committedAt: string;
  readonly files: number;
  readonly bytes: number;
  readonly manifest: string;
}

const representCommit = ({ sequence, committedAt, files, bytes, manifest }: KubeCommit): z.infer<typeof Commit> => ({
  sequence,
  committed_at: committedAt,
  files,
  bytes,
  manifest,
});

export const representWorkspace = (workspace: Workspace): WorkspaceRepresentation => {
  const { spec, status } = workspace;
  const saved = findCondition(status?.conditions, WorkspaceConditionType.Saved);
  return {
    user_id: spec.userId,
    name: spec.name ?? null,
    saved: saved === undefined || saved.status === 'Unknown' ? null : saved.status === 'True',
    message: saved?.message ?? null,
    // A head of sequence 0 is that of a workspace to which nothing was committed yet.
    head: status?.head === undefined || status.head.sequence === 0 ? null : representCommit(status.head),
    cold: coldOf(status),
    history: (status?.history ?? []).map(representCommit),
    writer:
      status?.writer === undefined ? null : { sandbox_id: status.writer.sandbox, since: status.writer.acquiredAt },
    conflicts: openConflicts(workspace).map(({ manifest = null, ...conflict }) => ({ ...conflict, manifest })),
    restore: restoreOf(workspace),
  };
};

const coldOf = (status: Workspace['status']): WorkspaceRepresentation['cold'] => {
  if (status?.coldUsage === undefined) return null;
  const { countedAt, ...usage } = status.coldUsage;
  return { ...usage, counted_at: countedAt };
};

const restoreOf = ({ spec, status }: Workspace): WorkspaceRepresentation['restore'] => {
  const { restore } = spec;
  const { restored } = status ?? {};
  if (restore !== undefined && restore.requestId !== restored?.requestId) {
    const { requestId, sequence = null, manifest = null } = restore;
    return { request_id: requestId, sequence, manifest, state: 'pending', done_at: null };
  }
  if (restored === undefined) return null;
  const { requestId, sequence, manifest, at } = restored;
  return { request_id: requestId, sequence, manifest, state: 'done', done_at: at };
};
