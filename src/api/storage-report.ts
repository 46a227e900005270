import { z } from 'zod';

/** What a node driver says of the bucket, as JSON under its node's name in the ConfigMap STORAGE_CONFIG_MAP. */
export const StorageReport = z.object({
  ok: z.boolean(),
  bucket: z.string(),
  reason: z
    .enum(['BucketNotFound', 'Forbidden', 'Unreachable', 'NoConditionalWrites', 'Failed'])
    .optional()
    .describe('Absent when ok.'),
  permission: z.string().optional().describe('The S3 permission that the refused request needs.'),
  message: z.string().optional(),
  checkedAt: z.string().meta({ format: 'date-time' }),
});
export type StorageReport = z.infer<typeof StorageReport>;
