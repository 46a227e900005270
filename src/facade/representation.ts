import { findCondition } from '../api/condition.ts';
import { COLD_PATH, HOT_PATH } from '../api/names.ts';
import { Reason, SandboxConditionType } from '../api/reasons.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { explanation, sandboxState, type SandboxState } from './sandbox-status.ts';

/** A Sandbox as the REST API shows it: the original's ten fields, and below them what this product adds. */
export interface SandboxRepresentation {
  readonly sandbox_id: string;
  readonly user_id: string;
  readonly status: SandboxState;
  /** The pod's name. */
  readonly container_id: string | null;
  readonly created_at: string;
  readonly hot_path: string;
  readonly cold_path: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly ssh_port: null;
  readonly ttl_seconds: number;

  /** One word of the closed set of a Sandbox's condition reasons, and its sentence. */
  readonly reason: string | null;
  readonly message: string | null;
  readonly stop_reason: string | null;
  readonly template: string;
  readonly image: string | null;
  readonly node: string | null;
  readonly started_at: string | null;
  readonly stopped_at: string | null;
  readonly expires_at: string | null;
  readonly workspace: {
    readonly name: string | null;
    readonly ephemeral: boolean;
    /** Whether all that the home holds is saved; null where there is nothing to save, or nothing is known yet. */
    readonly saved: boolean | null;
    readonly saved_at: string | null;
  };
}

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
