import { z } from 'zod';
import { Conditions } from './condition.ts';
import type { ObjectMeta } from './meta.ts';
import { UserId, WorkspaceNameSuffix } from './user-id.ts';
import { ColdUsage, WorkspaceCold } from './workspace-cold.ts';
import { MAX_CONFLICTS, WorkspaceConflict } from './workspace-conflict.ts';
import { DeletionPolicy, WorkspacePurge } from './workspace-purge.ts';

const Time = z.string().meta({ format: 'date-time' });

/** Below the workspace's prefix, as ./src/workspace/layout.ts names it: a commit, or what a fenced writer had not committed. */
const ManifestKey = z
  .string()
  .max(128)
  .regex(/^\.ws\/(manifests\/[0-9]{10,}-[0-9]{10,}-[0-9a-f]{8}|conflicts\/[0-9]{10,}-[0-9a-f]{16})\.json\.gz$/);

/**
 * Asks that the next session begins with the tree of an older commit: as a new commit on top of the newest, so that
 * nothing is lost by it, and undone by asking for the one before.
 */
export const WorkspaceRestore = z
  .object({
    requestId: z
      .string()
      .min(1)
      .max(64)
      .regex(/^[A-Za-z0-9._-]+$/)
      .describe('A new one for each wish: what was carried out once is not carried out again.'),
    manifest: ManifestKey.optional().describe('The commit, by its manifest, as status.history has it.'),
    sequence: z
      .int()
      .min(1)
      .optional()
      .describe('The commit, by its number; one far back is found by its manifest only.'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'has(self.manifest) != has(self.sequence)',
        message: 'give manifest or sequence, one of them',
        fieldPath: '.manifest',
      },
      {
        rule: 'self.requestId != oldSelf.requestId || self == oldSelf',
        message: 'another commit needs another requestId',
        fieldPath: '.requestId',
      },
    ],
  });
export type WorkspaceRestore = z.infer<typeof WorkspaceRestore>;

/** One user's durable files. The controller creates it on demand; its prefix follows from userId and name. */
export const WorkspaceSpec = z
  .object({
    userId: UserId.describe('Whose files these are. Cannot be changed.'),
    name: WorkspaceNameSuffix.optional().describe("One of the user's named workspaces; without it the user's own."),
    restore: WorkspaceRestore.optional().describe(
      'An older commit to go back to when the workspace is opened next. A sandbox that runs is not disturbed.',
    ),
    deletionPolicy: DeletionPolicy.optional().describe(
      'What becomes of the files when the Workspace is deleted. Retain, which is also meant without it: they stay in the bucket, and a Workspace that is made again finds them. Purge: all of them, home, history and cold storage, are deleted from the bucket before the Workspace goes; older versions in a versioned bucket too, where the node driver may delete them, while otherwise those go by the rules of the bucket.',
    ),
    conflictsSeen: z
      .int()
      .min(0)
      .optional()
      .describe(
        'Somebody has looked at status.conflicts up to this epoch: they make the condition Conflict no more. Their files stay.',
      ),
  })
  .describe('Whose files these are, and which of them.')
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'self.userId == oldSelf.userId',
        message: 'userId cannot be changed after creation',
        fieldPath: '.userId',
      },
      {
        rule: 'has(self.name) == has(oldSelf.name) && (!has(self.name) || self.name == oldSelf.name)',
        message: 'name cannot be changed after creation',
        fieldPath: '.name',
      },
    ],
  });
export type WorkspaceSpec = z.infer<typeof WorkspaceSpec>;

/**
 * A session is one epoch of one workspace on one node. Who may leave each state:
 *
 * - Restoring: the driver fetches HEAD and fills the home; no container runs yet. → Open, or Restoring with a reason.
 * - Open: containers may run; the driver commits what changes. → Saving when kubelet unpublishes the volume.
 * - Saving: the containers are dead; the driver makes the final commit, for as long as it takes. → Closed, Conflict.
 * - Closed: everything the home held is in HEAD. Final.
 * - Conflict: a newer epoch has HEAD; the home went to `conflicts/`, not to HEAD. Final.
 */
export const SessionState = z.enum(['Restoring', 'Open', 'Saving', 'Closed', 'Conflict']);
export type SessionState = z.infer<typeof SessionState>;

/** Why a session does not move on, or what its last S3 request met. A closed set. */
export const SessionReason = z.enum([
  'StorageUnreachable',
  'StorageForbidden',
  'BucketNotFound',
  'WorkspaceCorrupt',
  'RestoreRefused',
  'NodeDiskFull',
  'Fenced',
  'InternalError',
]);
export type SessionReason = z.infer<typeof SessionReason>;

/** Written by the node driver that holds the epoch, each time with a test that the writer's epoch is still its own. */
export const WorkspaceSession = z.object({
  epoch: z.int().min(0),
  node: z.string().max(253),
  state: SessionState,
  reason: SessionReason.optional(),
  message: z.string().max(4096).optional(),
  dirty: z.boolean().describe('True while the home holds something that is not in HEAD, as far as the driver knows.'),
  skipped: z.int().min(0).optional().describe('Sockets, FIFOs and devices in the home, which are not saved.'),
  openedAt: Time.optional(),
  updatedAt: Time,
});
export type WorkspaceSession = z.infer<typeof WorkspaceSession>;

export const WorkspaceHead = z.object({
  epoch: z.int().min(0),
  sequence: z.int().min(0),
  manifest: z.string().max(1024),
  committedAt: Time,
  files: z.int().min(0),
  bytes: z.int().min(0),
});
export type WorkspaceHead = z.infer<typeof WorkspaceHead>;

/** A commit of the past. */
export const WorkspaceCommit = z.object({
  sequence: z.int().min(1),
  manifest: z.string().max(1024).describe("Below the workspace's prefix; what spec.restore.manifest takes."),
  committedAt: Time,
  files: z.int().min(0),
  bytes: z.int().min(0),
});
export type WorkspaceCommit = z.infer<typeof WorkspaceCommit>;

/** Older ones are in the bucket: `matrx workspace log`. */
export const MAX_HISTORY = 20;

/** What spec.restore has come to. */
export const WorkspaceRestored = z.object({
  requestId: z.string().max(64),
  sequence: z.int().min(0).describe('Of the commit whose tree was taken.'),
  manifest: z.string().max(1024).describe('Of the commit whose tree was taken.'),
  at: Time,
});
export type WorkspaceRestored = z.infer<typeof WorkspaceRestored>;

export const WorkspaceWriter = z.object({
  sandbox: z.string().max(253),
  uid: z.string().max(64).describe("The Sandbox's uid: a new Sandbox of the same name is another writer."),
  epoch: z.int().min(1),
  acquiredAt: Time,
});
export type WorkspaceWriter = z.infer<typeof WorkspaceWriter>;

export const WorkspaceStatus = z.object({
  observedGeneration: z.int().min(-1).optional(),
  epoch: z.int().min(0).optional().describe('The last epoch given to a writer; only grows.'),
  writer: WorkspaceWriter.optional(),
  session: WorkspaceSession.optional(),
  cold: WorkspaceCold.optional(),
  coldUsage: ColdUsage.optional().describe('What cold storage had in the bucket when it was last closed.'),
  head: WorkspaceHead.optional(),
  history: z
    .array(WorkspaceCommit)
    .max(MAX_HISTORY)
    .optional()
    .describe('The newest commits that node drivers have told of, the newest first.'),
  restored: WorkspaceRestored.optional().describe('The last spec.restore that was carried out.'),
  conflicts: z
    .array(WorkspaceConflict)
    .max(MAX_CONFLICTS)
    .optional()
    .describe('The newest epochs that did not end in HEAD, the oldest first: the condition Conflict says what to do.'),
  purge: WorkspacePurge.optional().describe('With deletionPolicy Purge, once the Workspace is being deleted.'),
  conditions: Conditions.optional(),
});
export type WorkspaceStatus = z.infer<typeof WorkspaceStatus>;

export interface Workspace {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: WorkspaceSpec;
  readonly status?: WorkspaceStatus;
}
