import { z } from 'zod';

/**
 * How far the credentials of one user's mount reach. `prefix`: the server refuses everything outside of the user's
 * prefix, names included. `account`: a key of the user's own, but the server cannot tell prefixes apart in listings.
 * `none`: the driver's own key, which reaches every user's files.
 */
export const Isolation = z.enum(['prefix', 'account', 'none']);
export type Isolation = z.infer<typeof Isolation>;

/** The program that mounts: `rclone` behaves as a file system does, `mount-s3` is for large data that is mostly read. */
export const ColdDriverName = z.enum(['rclone', 'mount-s3']);
export type ColdDriverName = z.infer<typeof ColdDriverName>;

/**
 * Cold storage of one epoch on one node. Who may leave each state:
 *
 * - Mounting: the volume is there, its mount is on the way. → Mounted, Failed, Draining.
 * - Mounted: the sandbox reads and writes. → Mounting when its process is gone.
 * - Failed: not mounted, and tried again; the sandbox runs without. → Mounting, Mounted.
 * - Draining: the containers are dead; what they wrote is uploaded, for as long as it takes. → Closed.
 * - Closed: everything is in the bucket. Final.
 */
export const ColdState = z.enum(['Mounting', 'Mounted', 'Failed', 'Draining', 'Closed']);
export type ColdState = z.infer<typeof ColdState>;

/** Why cold storage is not mounted, or not yet uploaded. A closed set. */
export const ColdReason = z.enum(['CredentialsFailed', 'MountFailed']);
export type ColdReason = z.infer<typeof ColdReason>;

/** What cold storage has in the bucket, as `matrx workspace stats` counts it. Of the home, `head` says it. */
export const ColdUsage = z.object({
  objects: z.int().min(0).describe('Files, links, and the markers of folders.'),
  bytes: z.int().min(0),
  complete: z.boolean().describe('False where there are more: counting ends at 10,000 objects.'),
  countedAt: z.string().meta({ format: 'date-time' }),
});
export type ColdUsage = z.infer<typeof ColdUsage>;

/** Written by the node driver that holds the epoch, as `session` is. */
export const WorkspaceCold = z.object({
  epoch: z.int().min(0),
  node: z.string().max(253),
  state: ColdState,
  reason: ColdReason.optional(),
  message: z.string().max(4096).optional(),
  isolation: Isolation.optional().describe('How far the credentials of this mount reach.'),
  unsent: z
    .object({ files: z.int().min(0), bytes: z.int().min(0) })
    .optional()
    .describe('While it drains: what is on the node and not in the bucket, as far as it is known.'),
  updatedAt: z.string().meta({ format: 'date-time' }),
});
export type WorkspaceCold = z.infer<typeof WorkspaceCold>;
