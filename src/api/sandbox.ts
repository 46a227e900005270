import { z } from 'zod';
import { Conditions } from './condition.ts';
import type { ObjectMeta } from './meta.ts';
import { EnvVar, Resources } from './pod-settings.ts';
import { USER_ID_PATTERN } from './workspace-id.ts';

const immutable = (field: string) => ({
  'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: `${field} cannot be changed after creation` }],
});

export const Lifetime = z.object({
  ttlSeconds: z.int().min(60).max(31_536_000).default(7200).describe('Seconds from start to expiry.'),
  idleSeconds: z.int().min(60).max(31_536_000).optional(),
  heartbeatSeconds: z.int().min(10).max(86_400).optional(),
  onExpire: z.enum(['Stop', 'Suspend']).default('Stop'),
  retainSeconds: z.int().min(0).max(31_536_000).default(86_400),
});

/** What a person asks for. Only `userId` is required. */
export const SandboxSpec = z.object({
  userId: z
    .string()
    .min(1)
    .max(255)
    .regex(new RegExp(USER_ID_PATTERN))
    .describe('Whose sandbox this is: 1 to 255 letters, digits, ".", "-" and "_".')
    .meta(immutable('userId')),
  templateRef: z
    .object({ name: z.string().min(1).max(253) })
    .default({ name: 'default' })
    .describe('The SandboxTemplate, in the same namespace.'),
  desiredState: z.enum(['Running', 'Suspended', 'Stopped']).default('Running'),
  image: z.string().min(1).max(512).optional().describe("Overrides the template's image."),
  resources: Resources.optional(),
  env: z
    .array(EnvVar)
    .max(128)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
    .optional(),
  config: z.looseObject({}).optional().describe("The caller's own data: kept and given back, never read."),
  workspace: z
    .object({
      name: z
        .string()
        .min(1)
        .max(63)
        .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/)
        .optional()
        .describe("One of the user's named workspaces; without it the user's own."),
      ephemeral: z.boolean().default(false).describe('A home that is thrown away with the sandbox.'),
    })
    .default({ ephemeral: false })
    .meta(immutable('workspace')),
  lifetime: Lifetime.default({ ttlSeconds: 7200, onExpire: 'Stop', retainSeconds: 86_400 }),
});
export type SandboxSpec = z.infer<typeof SandboxSpec>;

export const SandboxPhase = z.enum(['Pending', 'Starting', 'Ready', 'Saving', 'Suspended', 'Stopped', 'Failed']);
export type SandboxPhase = z.infer<typeof SandboxPhase>;

export const StopReason = z.enum(['user_requested', 'expired', 'error', 'graceful_shutdown', 'admin']);
export type StopReason = z.infer<typeof StopReason>;

/** Written by the controller alone. */
export const SandboxStatus = z.object({
  observedGeneration: z.int().min(-1).optional(),
  phase: SandboxPhase.optional().describe('For people; nothing decides from it.'),
  stopReason: StopReason.optional(),
  conditions: Conditions.optional(),
  podName: z.string().max(253).optional(),
  podUid: z.string().max(64).optional().describe('The one pod that may mount the workspace.'),
  podIP: z.string().max(64).optional(),
  node: z.string().max(253).optional(),
  startedAt: z.string().meta({ format: 'date-time' }).optional(),
  stoppedAt: z.string().meta({ format: 'date-time' }).optional(),
  expiresAt: z.string().meta({ format: 'date-time' }).optional(),
  lastHeartbeatTime: z.string().meta({ format: 'date-time' }).optional(),
  workspace: z
    .object({
      name: z.string().max(253),
      epoch: z.int().min(0).optional(),
      sequence: z.int().min(0).optional(),
      savedAt: z.string().meta({ format: 'date-time' }).optional(),
    })
    .optional(),
});
export type SandboxStatus = z.infer<typeof SandboxStatus>;

export interface Sandbox {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: SandboxSpec;
  readonly status?: SandboxStatus;
}
