import { z } from 'zod';

/** What a journal of this node says of the volume it is about: the grant of its publish (./publish-verdict.ts), and where. */
export const GRANT_RECORD = {
  format: z.literal(1),
  namespace: z.string(),
  sandbox: z.string(),
  sandboxUid: z.string(),
  pod: z.string(),
  podUid: z.string(),
  userId: z.string(),
  workspace: z.string(),
  prefix: z.string(),
  epoch: z.int().min(1),
  /** In which trace the pod was made. */
  traceparent: z.string().optional(),
  volumeId: z.string(),
  /** Where kubelet wants the volume: an absolute path below its own folder. */
  target: z.string(),
  /** kubelet has unpublished the volume, or the pod is gone: no process writes to it any more. */
  released: z.boolean(),
} as const;
