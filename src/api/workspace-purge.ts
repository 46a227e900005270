import { z } from 'zod';

/**
 * The deletion of a workspace's objects from the bucket, by the one node driver that has taken it on. Who may leave each
 * state:
 *
 * - Purging: its objects are being deleted. → Purged; → Purging by another driver, when this one is silent.
 * - Purged: every object was deleted, and a listing after that found none; older versions of them too, unless `message`
 *   says that the driver may not delete those. Final.
 */
export const WorkspacePurge = z.object({
  state: z.enum(['Purging', 'Purged']),
  node: z.string().max(253).describe('Whose driver does it.'),
  objects: z.int().min(0).describe('Deleted so far.'),
  message: z.string().max(4096).optional().describe('What the last attempt met.'),
  updatedAt: z.string().meta({ format: 'date-time' }),
});
export type WorkspacePurge = z.infer<typeof WorkspacePurge>;

export const DeletionPolicy = z.enum(['Retain', 'Purge']);
