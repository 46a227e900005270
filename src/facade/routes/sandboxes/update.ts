import { z } from 'zod';
import { ANNOTATION_METADATA } from '../../../api/names.ts';
import { Resources } from '../../../api/pod-settings.ts';
import { SandboxSpec } from '../../../api/sandbox.ts';
import type { Json } from '../../../base/json.ts';
import { isKubeError } from '../../../kube/errors.ts';
import { answerSandbox } from '../../answer-sandbox.ts';
import { apiServerRefusal } from '../../api-server-refusal.ts';
import { changeSandbox, type SandboxPatch } from '../../change-sandbox.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { invalidInput } from '../../input-error.ts';
import { SandboxRepresentation } from '../../representation.ts';
import { ETAG, IF_MATCH } from '../../request-headers.ts';
import { route } from '../../route.ts';
import { changedMetadata, Metadata, metadataAnnotation, MetadataChange, metadataOf } from '../../sandbox-metadata.ts';
import {
  HeartbeatSeconds,
  IdleSeconds,
  lifetimeOf,
  OnExpire,
  RestartPolicy,
  restartPolicyOf,
  TtlSeconds,
} from './create-request.ts';

const { cpu, memory, 'ephemeral-storage': disk } = Resources.shape.requests.unwrap().shape;
const resourceList = z
  .strictObject({ cpu: cpu.nullable(), memory: memory.nullable(), 'ephemeral-storage': disk.nullable() })
  .partial()
  .nullable()
  .optional();

const UpdateSandboxRequest = z.strictObject({
  ttl_seconds: TtlSeconds.optional(),
  on_expire: OnExpire.optional(),
  idle_seconds: IdleSeconds.nullable().optional(),
  heartbeat_seconds: HeartbeatSeconds.nullable().optional(),
  restart_policy: RestartPolicy.optional(),
  metadata: MetadataChange.optional(),
  image: SandboxSpec.shape.image.nullable(),
  env: SandboxSpec.shape.env.nullable(),
  resources: z.strictObject({ requests: resourceList, limits: resourceList }).nullable().optional(),
});
type UpdateSandboxRequest = z.infer<typeof UpdateSandboxRequest>;

/** A merge patch of what may change while a sandbox lives. */
export const updateRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'PATCH',
    path: '/sandboxes/:id',
    operationId: 'updateSandbox',
    tag: 'sandboxes',
    summary: 'Change a sandbox',
    description:
      'A merge patch (RFC 7396): what is not named stays, `null` takes away, lists are replaced as a whole. `ttl_seconds`, `on_expire`, `idle_seconds`, `heartbeat_seconds`, `restart_policy` and `metadata` hold at once, the two limits counted anew from the change; `image`, `env` and `resources` from the next start on. A longer `ttl_seconds` brings an expired sandbox back.',
    access: { kind: 'scope', scope: 'sandboxes:write' },
    headers: IF_MATCH,
    body: UpdateSandboxRequest,
    bodyTypes: ['application/json', 'application/merge-patch+json'],
    responses: { 200: { description: 'As it is now.', schema: SandboxRepresentation, headers: ETAG } },
    problems: ['not-found', 'precondition-failed'],
    handle: async (context, { params: { id = '' }, body, rawBody }) => {
      const sandbox = await changeSandbox(dependencies, context.state, {
        id,
        ifMatch: context.get('if-match'),
        decide: (before) => patchOf(body, metadataOf(before)),
      }).catch((error: unknown) => {
        throw isKubeError(error, 'Invalid', 'BadRequest') ? apiServerRefusal(error, rawBody) : error;
      });
      context.state.log.info(
        { sandbox_id: id, user_id: sandbox.spec.userId, fields: Object.keys(body) },
        'sandbox changed',
      );
      answerSandbox(context, 200, sandbox);
    },
  });

const patchOf = (request: UpdateSandboxRequest, before: Metadata): SandboxPatch | undefined => {
  const { image, env, resources, metadata } = request;
  const lifetime = lifetimeOf(request);
  const spec: Record<string, Json> = {
    ...(Object.keys(lifetime).length === 0 ? {} : { lifetime }),
    ...restartPolicyOf(request.restart_policy),
    ...(image === undefined ? {} : { image }),
    ...(env === undefined ? {} : { env }),
    ...(resources === undefined ? {} : { resources: resources as Json }),
  };
  const patch = {
    ...(metadata === undefined ? {} : { annotations: { [ANNOTATION_METADATA]: merged(before, metadata) } }),
    ...(Object.keys(spec).length === 0 ? {} : { spec }),
  };
  return Object.keys(patch).length === 0 ? undefined : patch;
};

/** The limits hold for what comes out, too. */
const merged = (before: Metadata, change: Readonly<Record<string, string | null>>): string | null => {
  const after = changedMetadata(before, change);
  const { success, error } = Metadata.safeParse(after);
  if (success) return metadataAnnotation(after);
  throw invalidInput(
    error.issues.map(({ message }) => ({ type: 'value_error', loc: ['body', 'metadata'], msg: message, input: null })),
  );
};
