import { z } from 'zod';
import { UserId } from '../../api/user-id.ts';
import { SCOPES } from '../caller.ts';

const Hash = z.string().regex(/^[0-9a-f]{64}$/, 'takes the SHA-256 of the secret part, 64 hex digits');
const Time = z.iso.datetime({ offset: true, error: 'takes a time such as 2026-12-31T00:00:00Z' });

const Limits = z
  .strictObject({
    requests_per_second: z.number().positive().max(100_000).optional(),
    burst: z.int().min(1).max(1_000_000).optional(),
    concurrent_sandboxes: z.int().min(0).max(1_000_000).optional(),
  })
  .refine(({ requests_per_second, burst }) => burst === undefined || requests_per_second !== undefined, {
    path: ['burst'],
    error: 'needs requests_per_second',
  });

/**
 * What the Secret keeps of a key, as JSON under the key's id. Strict: a limit whose name is misspelled would otherwise
 * be none.
 */
export const KeyRecord = z.strictObject({
  hash: Hash,
  /** After a rotation: the secret before it, for as long as it is still taken. */
  previous: z.strictObject({ hash: Hash, expiresAt: Time }).optional(),
  /** For people. */
  name: z
    .string()
    .min(1)
    .max(100)
    .regex(/^\P{Cc}*$/u, 'takes no control characters'),
  users: z.union([z.literal('*'), z.array(UserId).min(1).max(1000)], { error: 'takes "*" or a list of user ids' }),
  scopes: z.array(z.enum(SCOPES)).min(1),
  limits: Limits.default({}),
  createdAt: Time,
  expiresAt: Time.optional(),
});
export type KeyRecord = Readonly<z.infer<typeof KeyRecord>>;
