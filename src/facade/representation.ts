import { z } from 'zod';
import { findCondition } from '../api/condition.ts';
import { COLD_PATH, HOT_PATH } from '../api/names.ts';
import { Resources } from '../api/pod-settings.ts';
import { Reason, SandboxConditionType } from '../api/reasons.ts';
import { type Sandbox, StopReason } from '../api/sandbox.ts';
import { metadataOf } from './sandbox-metadata.ts';
import { errorOf, ReportedError, resultOf } from './sandbox-report.ts';
import { SANDBOX_STATES } from '../api/sandbox-life.ts';
import { explanation, sandboxState } from './sandbox-status.ts';

const nullableText = z.string().nullable();
export const Time = z.string().meta({ format: 'date-time' });
const nullableTime = Time.nullable();

/** A Sandbox as the REST API shows it: the original's ten fields, and below them what this product adds. */
export const SandboxRepresentation = z
  .object({
    sandbox_id: z.string().meta({ examples: ['sbx-0123456789ab'] }),
    user_id: z.string().meta({ examples: ['ann'] }),
    status: z.enum(SANDBOX_STATES).describe('`ready`: it takes commands; `running`: it has sent a heartbeat as well.'),
    container_id: nullableText.describe("The pod's name."),
    created_at: Time,
    hot_path: z.string().describe('The home: saved to S3, and there again with the next sandbox of the user.'),
    cold_path: z.string(),
    config: z.record(z.string(), z.unknown()).describe('As it was given.'),
    ssh_port: z.int().nullable().describe('Of the SSH gateway (`POST …/access`). Null where there is none.'),
    ttl_seconds: z.int().describe('Seconds from the moment it is first ready to its end.'),

    on_expire: z.enum(['stop', 'suspend']),
    idle_seconds: z.int().nullable().describe('Seconds without use after which it ends; null: it may be idle.'),
    heartbeat_seconds: z
      .int()
      .nullable()
      .describe('Seconds without a heartbeat after which it ends; null: none was promised.'),
    restart_policy: z
      .enum(['always', 'never'])
      .describe('`never`: it ends where its pod is lost. Else another pod follows, with the same workspace.'),
    metadata: z.record(z.string(), z.string()).describe("The app's own entries, good to filter by."),
    reason: nullableText.describe("One word of the closed set of a Sandbox's condition reasons."),
    message: nullableText.describe('The sentence that goes with the reason.'),
    stop_reason: StopReason.nullable(),
    result: z.record(z.string(), z.unknown()).nullable().describe('What it said when it was done (`/complete`).'),
    result_omitted: z.boolean().describe('Whether there was a result, too large to be kept.'),
    error: ReportedError.nullable().describe('What it said when it gave up (`/error`).'),
    template: z.string(),
    image: nullableText.describe("Null: the template's."),
    resources: Resources.nullable().describe("Null: the template's."),
    node: nullableText,
    started_at: nullableTime.describe('When it last became ready.'),
    stopped_at: nullableTime,
    expires_at: nullableTime,
    last_heartbeat_at: nullableTime,
    workspace: z.object({
      name: nullableText,
      ephemeral: z.boolean(),
      saved: z
        .boolean()
        .nullable()
        .describe(
          'Whether all that the home holds is saved; null where there is nothing to save, or nothing is known yet.',
        ),
      saved_at: nullableTime,
    }),
  })
  .describe('A sandbox.')
  .meta({ id: 'Sandbox' });
export type SandboxRepresentation = Readonly<z.infer<typeof SandboxRepresentation>>;

/** What the schema gives a Sandbox that says nothing; the API server fills it in, a Sandbox just made may lack it. */
const DEFAULT_TTL_SECONDS = 7200;

export const representSandbox = (sandbox: Sandbox, sshPort: number | null = null): SandboxRepresentation => {
  const { metadata, spec, status } = sandbox;
  const why = explanation(sandbox);
  const { result, omitted } = resultOf(sandbox);
  return {
    sandbox_id: metadata.name,
    user_id: spec.userId,
    status: sandboxState(sandbox),
    container_id: status?.podName ?? null,
    created_at: metadata.creationTimestamp ?? '',
    hot_path: HOT_PATH,
    cold_path: COLD_PATH,
    config: spec.config ?? {},
    ssh_port: sshPort,
    ttl_seconds: spec.lifetime?.ttlSeconds ?? DEFAULT_TTL_SECONDS,
    on_expire: spec.lifetime?.onExpire === 'Suspend' ? 'suspend' : 'stop',
    idle_seconds: spec.lifetime?.idleSeconds ?? null,
    heartbeat_seconds: spec.lifetime?.heartbeatSeconds ?? null,
    restart_policy: spec.restartPolicy === 'Never' ? 'never' : 'always',
    metadata: metadataOf(sandbox),
    reason: why?.reason ?? null,
    message: why?.message ?? null,
    stop_reason: status?.stopReason ?? null,
    result,
    result_omitted: omitted,
    error: errorOf(sandbox),
    template: spec.templateRef?.name ?? 'default',
    image: spec.image ?? null,
    resources: spec.resources ?? null,
    node: status?.node ?? null,
    started_at: status?.startedAt ?? null,
    stopped_at: status?.stoppedAt ?? null,
    expires_at: status?.expiresAt ?? null,
    last_heartbeat_at: status?.lastHeartbeatTime ?? null,
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
