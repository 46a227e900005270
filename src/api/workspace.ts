import { z } from 'zod';
import { Conditions } from './condition.ts';
import type { ObjectMeta } from './meta.ts';
import { UserId, WorkspaceNameSuffix } from './user-id.ts';

/** One user's durable files. The controller creates it on demand; its prefix follows from userId and name. */
export const WorkspaceSpec = z
  .object({
    userId: UserId.describe('Whose files these are. Cannot be changed.'),
    name: WorkspaceNameSuffix.optional().describe("One of the user's named workspaces; without it the user's own."),
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
  'NodeDiskFull',
  'Fenced',
  'InternalError',
]);
export type SessionReason = z.infer<typeof SessionReason>;

const Time = z.string().meta({ format: 'date-time' });

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
  head: WorkspaceHead.optional(),
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
