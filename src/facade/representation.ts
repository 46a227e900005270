import { z } from 'zod';
import { findCondition } from '../api/condition.ts';
import { COLD_PATH, HOT_PATH } from '../api/names.ts';
import { Reason, SandboxConditionType } from '../api/reasons.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { explanation, SANDBOX_STATES, sandboxState } from './sandbox-status.ts';

const nullableText = z.string().nullable();

/** A Sandbox as the REST API shows it: the original's ten fields, and below them what this product adds. */
export const SandboxRepresentation = z.object({
  sandbox_id: z.string(),
  user_id: z.string(),
  status: z.enum(SANDBOX_STATES),
  container_id: nullableText.describe("The pod's name."),
  created_at: z.string(),
  hot_path: z.string(),
  cold_path: z.string(),
  config: z.record(z.string(), z.unknown()),
  ssh_port: z.int().nullable(),
  ttl_seconds: z.int(),

  reason: nullableText.describe("One word of the closed set of a Sandbox's condition reasons."),
  message: nullableText.describe('The sentence that goes with the reason.'),
  stop_reason: nullableText,
  template: z.string(),
  image: nullableText,
  node: nullableText,
  started_at: nullableText,
  stopped_at: nullableText,
  expires_at: nullableText,
  workspace: z.object({
    name: nullableText,
    ephemeral: z.boolean(),
    saved: z
      .boolean()
      .nullable()
      .describe(
        'Whether all that the home holds is saved; null where there is nothing to save, or nothing is known yet.',
      ),
    saved_at: nullableText,
  }),
});
export type SandboxRepresentation = Readonly<z.infer<typeof SandboxRepresentation>>;

/** What the schema gives a Sandbox that says nothing; the API server fills it in, a Sandbox just made may lack it. */
const DEFAULT_TTL_SECONDS = 7200;

export const representSandbox = (sandbox: Sandbox): SandboxRepresentation => {
  const { metadata, spec, status } = sandbox;
  const why = explanation(sandbox);
  return {
    sandbox_id: metadata.name,
    user_id: spec.userId,
    status: sandboxState(sandbox),
    container_id: status?.podName ?? null,
    created_at: metadata.creationTimestamp ?? '',
    hot_path: HOT_PATH,
    cold_path: COLD_PATH,
    config: spec.config ?? {},
    ssh_port: null,
    ttl_seconds: spec.lifetime?.ttlSeconds ?? DEFAULT_TTL_SECONDS,
    reason: why?.reason ?? null,
    message: why?.message ?? null,
    stop_reason: status?.stopReason ?? null,
    template: spec.templateRef?.name ?? 'default',
    image: spec.image ?? null,
    node: status?.node ?? null,
    started_at: status?.startedAt ?? null,
    stopped_at: status?.stoppedAt ?? null,
    expires_at: status?.expiresAt ?? null,
    workspace: {
      name: spec.workspace?.name ?? null,
      ephemeral: spec.workspace?.ephemeral ?? false,
      saved: isSaved(sandbox),
      saved_at: status?.workspace?.savedAt ?? null,
    },
  };
};

const isSaved = ({ status }: Sandbox): boolean | null => {
  const saved = findCondition(status?.conditions, SandboxConditionType.WorkspaceSaved);
  if (saved === undefined || saved.reason === Reason.Ephemeral || saved.reason === Reason.NotStarted) return null;
  return saved.status === 'Unknown' ? null : saved.status === 'True';
};
