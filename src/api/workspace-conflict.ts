import { z } from 'zod';
import type { Workspace } from './workspace.ts';

/** An epoch that did not end in HEAD, or of which nobody knows. */
export const WorkspaceConflict = z.object({
  epoch: z.int().min(0),
  node: z.string().max(253).describe('Where its home was.'),
  since: z
    .string()
    .meta({ format: 'date-time' })
    .describe('When it was given up with its node, or when its files were kept.'),
  manifest: z
    .string()
    .max(1024)
    .optional()
    .describe(
      "Where its files are, below the workspace's prefix; what spec.restore.manifest takes. Absent while its node is lost: then nobody knows whether there are any.",
    ),
});
export type WorkspaceConflict = z.infer<typeof WorkspaceConflict>;

/** Older ones are in the bucket: `matrx workspace log`. */
export const MAX_CONFLICTS = 20;

/**
 * Those that nobody has looked at yet: neither is their epoch below spec.conflictsSeen, nor were their files made the home
 * since. The oldest first.
 */
export const openConflicts = ({ spec, status }: Workspace): readonly WorkspaceConflict[] =>
  (status?.conflicts ?? []).filter(
    ({ epoch, manifest }) =>
      epoch > (spec.conflictsSeen ?? 0) && (manifest === undefined || manifest !== status?.restored?.manifest),
  );
