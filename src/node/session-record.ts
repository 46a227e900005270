import { z } from 'zod';
import { SessionState } from '../api/workspace.ts';
import { GRANT_RECORD } from './grant-record.ts';

/**
 * The journal of a session: all that a fresh driver process needs to go on with it. `state` is the state that the
 * Workspace's status shows (src/api/workspace.ts says who may leave each); the two flags say what it does not:
 *
 * - `released`: kubelet has unpublished the volume, or the pod is gone. No process writes to the home any more.
 * - `stored`: everything the home holds is in the bucket. Only reporting and deleting are left.
 *
 * `kept`: manifests below `conflicts/` that the Workspace's status is told of.
 */
export const SessionRecord = z
  .object({
    ...GRANT_RECORD,
    state: SessionState,
    stored: z.boolean(),
    openedAt: z.string().optional(),
    kept: z.array(z.string()).readonly().optional(),
  })
  .readonly();
export type SessionRecord = z.infer<typeof SessionRecord>;

/** The record, and that files of the home are below `conflicts/`. */
export const withKept = (record: SessionRecord, manifest: string): SessionRecord =>
  record.kept?.includes(manifest) === true ? record : { ...record, kept: [...(record.kept ?? []), manifest] };
