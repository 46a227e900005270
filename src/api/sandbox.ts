import { z } from 'zod';
import { Conditions } from './condition.ts';
import type { ObjectMeta } from './meta.ts';
import { EnvVars, ImageReference, ObjectName, Resources } from './pod-settings.ts';
import { UserId, WorkspaceNameSuffix } from './user-id.ts';

const immutable = (field: string) => ({
  rule: 'self == oldSelf',
  message: `${field} cannot be changed after creation`,
});

export const DEFAULT_LIFETIME = { ttlSeconds: 7200, onExpire: 'Stop', retainSeconds: 86_400 } as const;

/** What is meant without `spec.progressDeadlineSeconds`: a Deployment's default. */
export const DEFAULT_PROGRESS_DEADLINE_SECONDS = 600;

/** When a sandbox ends by itself, and when it is forgotten. */
export const Lifetime = z.object({
  ttlSeconds: z
    .int()
    .min(1)
    .max(31_536_000)
    .default(DEFAULT_LIFETIME.ttlSeconds)
    .describe(
      'Seconds from the moment the sandbox is first ready to its end. A change counts at once, also for a sandbox whose time was over: it goes on when the new end lies in the future.',
    ),
  idleSeconds: z
    .int()
    .min(60)
    .max(31_536_000)
    .optional()
    .describe(
      'Seconds without use after which a Ready sandbox ends, with reason Idle. Used is one through whose REST API, WebSockets, ports, previews or SSH gateway something is asked or connected, for as long as that lasts, and one that sends heartbeats. What bypasses these is not seen: kubectl exec, connections out of the sandbox, and a process in the background that nobody follows (let it send heartbeats). It counts from Ready, anew whenever the spec is changed, and what has ended stays ended until a new run.',
    ),
  heartbeatSeconds: z
    .int()
    .min(10)
    .max(86_400)
    .optional()
    .describe(
      'A promise to send a heartbeat at least this often: a Ready sandbox whose heartbeats stay away for so long ends, with reason HeartbeatMissed. It counts from Ready, not from the first heartbeat, so that a client which dies before its first is noticed too. It counts anew whenever the spec is changed, and what has ended stays ended until a new run.',
    ),
  onExpire: z
    .enum(['Stop', 'Suspend'])
    .default(DEFAULT_LIFETIME.onExpire)
    .describe(
      'Either ends the pod and saves the home. A sandbox that was to stop is finished, and deleted after retainSeconds; one that was to be suspended is kept until somebody deletes it.',
    ),
  retainSeconds: z
    .int()
    .min(0)
    .max(31_536_000)
    .default(DEFAULT_LIFETIME.retainSeconds)
    .describe(
      'Seconds that a finished Sandbox (stopped, or expired with onExpire: Stop) stays listed, counted from status.stoppedAt. Then it is deleted, if its home is saved. The workspace stays.',
    ),
});

const SandboxWorkspace = z
  .object({
    name: WorkspaceNameSuffix.optional().describe("One of the user's named workspaces; without it the user's own."),
    ephemeral: z.boolean().default(false).describe('A home that is thrown away with the sandbox.'),
  })
  .default({ ephemeral: false })
  .describe('Which home the sandbox gets. Cannot be changed.')
  .meta({
    'x-kubernetes-validations': [
      immutable('workspace'),
      {
        rule: '!(has(self.name) && has(self.ephemeral) && self.ephemeral)',
        message: 'name cannot be given with ephemeral: true, because nothing of that home is kept',
        fieldPath: '.name',
        reason: 'FieldValueForbidden',
      },
    ],
  });

/**
 * What a person asks for. Only `userId` is required. `templateRef`, `image`, `resources` and `env` say what the NEXT
 * pod looks like: a change never disturbs a running sandbox, it applies when the sandbox is stopped and started again
 * (or its pod has to be replaced). `userId` and `workspace` cannot change, because files belong to one user.
 */
export const SandboxSpec = z
  .object({
    userId: UserId.describe(
      'Whose sandbox this is: 1 to 255 letters, digits, ".", "-" and "_". Cannot be changed.',
    ).meta({ 'x-kubernetes-validations': [immutable('userId')] }),
    templateRef: z
      .object({ name: ObjectName })
      .default({ name: 'default' })
      .describe('The SandboxTemplate, in the same namespace. A change applies from the next pod on.'),
    desiredState: z
      .enum(['Running', 'Suspended', 'Stopped'])
      .default('Running')
      .describe('Stopped and Suspended end the pod, save the home and keep the Sandbox; Running starts it again.'),
    image: ImageReference.optional().describe("Overrides the template's image, from the next pod on."),
    resources: Resources.optional().describe("Overrides the template's resources as a whole, from the next pod on."),
    env: EnvVars.optional().describe("Added to the template's env and wins over it, from the next pod on."),
    config: z
      .looseObject({})
      .optional()
      .describe("The caller's own data: kept and given back, never read.")
      .meta({ maxProperties: 256 }),
    workspace: SandboxWorkspace,
    restartPolicy: z
      .enum(['Always', 'Never'])
      .optional()
      .describe(
        'What becomes of a sandbox whose pod is evicted, deleted, killed or out of memory, or whose node is lost. Always, which is also meant without it: its container is started again, or another pod made, with a growing delay, and the same workspace. Never: the sandbox ends, with the reason PodLost, and its home is saved; onExpire says what becomes of it then.',
      ),
    progressDeadlineSeconds: z
      .int()
      .min(1)
      .max(86_400)
      .optional()
      .describe(
        'Seconds that an image may not be to be had, no node take the pod, or its container fail again and again, until the condition Stalled says that it needs a person, and which field it follows from. It is tried on all the same, and Stalled goes when that succeeds. 600 is meant without it.',
      ),
    lifetime: Lifetime.default({ ...DEFAULT_LIFETIME }).describe(
      'When the sandbox ends by itself, and how long it is listed after that.',
    ),
  })
  .describe('What is asked for. Only userId is required.');
export type SandboxSpec = z.infer<typeof SandboxSpec>;

export const SandboxPhase = z.enum(['Pending', 'Starting', 'Ready', 'Saving', 'Suspended', 'Stopped', 'Failed']);
export type SandboxPhase = z.infer<typeof SandboxPhase>;

export const StopReason = z.enum(['user_requested', 'expired', 'error', 'graceful_shutdown', 'admin']);
export type StopReason = z.infer<typeof StopReason>;

const Time = z.string().meta({ format: 'date-time' });

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
  startedAt: Time.optional().describe('When the sandbox last became ready.'),
  stoppedAt: Time.optional().describe('When the sandbox was last stopped and its home let go.'),
  podFailures: z
    .object({ count: z.int().min(1), podUid: z.string().max(64), lastTime: Time, why: z.string().max(1024).optional() })
    .optional()
    .describe('Pods in a row that had to be replaced: the next one is made after a growing delay.'),
  trouble: z
    .object({ reason: z.enum(['Unschedulable', 'ImagePullFailed', 'ContainerFailing', 'PodFailed']), since: Time })
    .optional()
    .describe(
      'What keeps it from being Ready, or did a moment ago, and since when: spec.progressDeadlineSeconds counts from there.',
    ),
  run: z
    .object({
      startedAt: Time.describe('When it was taken up from rest.'),
      readyAt: Time.optional().describe('When it was first ready: from here on its lifetime counts.'),
      request: z.string().max(64).optional().describe('The last matrx.dev/new-run that was seen.'),
      changedAt: Time.optional().describe(
        'When a change of the spec was last seen in the run: idleSeconds and heartbeatSeconds count from there at the earliest.',
      ),
      podUid: z.string().max(64).optional().describe('With restartPolicy Never: the one pod that it has.'),
      ended: z
        .object({ by: z.enum(['Idle', 'HeartbeatMissed', 'PodLost']), at: Time })
        .optional()
        .describe(
          'That it ended before its ttlSeconds were over: nobody used it, a promised heartbeat stayed away, or its pod was lost and restartPolicy is Never.',
        ),
    })
    .optional()
    .describe('The stretch of life that is going on, or whose lifetime is over. A pod that is replaced is part of it.'),
  expiresAt: Time.optional().describe('When the lifetime of the run is over: run.readyAt + lifetime.ttlSeconds.'),
  lastHeartbeatTime: Time.optional().describe('The last heartbeat of the run.'),
  workspace: z
    .object({
      name: z.string().max(253),
      epoch: z.int().min(0).optional(),
      sequence: z.int().min(0).optional(),
      savedAt: Time.optional(),
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
