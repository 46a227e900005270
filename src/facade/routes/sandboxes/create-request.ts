import { z } from 'zod';
import { ANNOTATION_METADATA, GROUP_VERSION, LABEL_MANAGED_BY, LABEL_USER, MANAGED_BY } from '../../../api/names.ts';
import { ObjectName, Resources } from '../../../api/pod-settings.ts';
import { Lifetime, SandboxSpec } from '../../../api/sandbox.ts';
import { WorkspaceNameSuffix } from '../../../api/user-id.ts';
import { workspaceId } from '../../../api/workspace-id.ts';
import { SANDBOXES } from '../../../kube/resource-types.ts';
import type { KubeObject } from '../../../api/meta.ts';
import type { Json } from '../../../base/json.ts';
import { Metadata, metadataAnnotation } from '../../sandbox-metadata.ts';

const spec = SandboxSpec.shape;
const lifetime = Lifetime.shape;
const resourceList = Resources.shape.requests.unwrap().strict().optional();

/** What the lifetime's end does, in this API's words. */
export const OnExpire = z.enum(['stop', 'suspend']);
/** What becomes of a sandbox that loses its pod, in this API's words. */
export const RestartPolicy = z.enum(['always', 'never']);
export const TtlSeconds = lifetime.ttlSeconds.unwrap();
export const IdleSeconds = lifetime.idleSeconds.unwrap();
export const HeartbeatSeconds = lifetime.heartbeatSeconds.unwrap();

/** Fields of a Sandbox's lifetime from those of a request; those that were not given are left out. */
export const lifetimeOf = (request: {
  readonly ttl_seconds?: number | undefined;
  readonly on_expire?: z.infer<typeof OnExpire> | undefined;
  readonly idle_seconds?: number | null | undefined;
  readonly heartbeat_seconds?: number | null | undefined;
}): Readonly<Record<string, Json>> => ({
  ...(request.ttl_seconds === undefined ? {} : { ttlSeconds: request.ttl_seconds }),
  ...(request.idle_seconds === undefined ? {} : { idleSeconds: request.idle_seconds }),
  ...(request.heartbeat_seconds === undefined ? {} : { heartbeatSeconds: request.heartbeat_seconds }),
  ...(request.on_expire === undefined ? {} : { onExpire: request.on_expire === 'suspend' ? 'Suspend' : 'Stop' }),
});

export const restartPolicyOf = (policy: z.infer<typeof RestartPolicy> | undefined): Readonly<Record<string, Json>> =>
  policy === undefined ? {} : { restartPolicy: policy === 'never' ? 'Never' : 'Always' };

/**
 * `POST /sandboxes`: the shapes of the Sandbox's own schema, in snake case, and nothing unknown. The rules that only
 * the API server checks (CEL) come back as errors of the same form: api-server-refusal.ts.
 */
export const CreateSandboxRequest = z.strictObject({
  user_id: spec.userId,
  config: spec.config,
  image: spec.image,
  env: spec.env,
  template: ObjectName.optional(),
  workspace: z.strictObject({ name: WorkspaceNameSuffix.optional(), ephemeral: z.boolean().optional() }).optional(),
  resources: z.strictObject({ requests: resourceList, limits: resourceList }).optional(),
  ttl_seconds: TtlSeconds.optional(),
  on_expire: OnExpire.optional(),
  idle_seconds: IdleSeconds.optional(),
  heartbeat_seconds: HeartbeatSeconds.optional(),
  restart_policy: RestartPolicy.optional(),
  metadata: Metadata.optional(),
});
export type CreateSandboxRequest = z.infer<typeof CreateSandboxRequest>;

/** A Sandbox as it is asked for: the API server fills in the defaults. */
export interface RequestedSandbox extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>>;
}

/** `config` is passed on as it came in the body: a schema's copy would lose a key such as `__proto__`. */
export const requestedSandbox = (
  name: string,
  namespace: string,
  request: CreateSandboxRequest,
  config: unknown,
  annotations: Readonly<Record<string, string>> = {},
): RequestedSandbox => ({
  apiVersion: GROUP_VERSION,
  kind: SANDBOXES.kind,
  metadata: {
    name,
    namespace,
    labels: { [LABEL_MANAGED_BY]: MANAGED_BY, [LABEL_USER]: workspaceId(request.user_id) },
    ...withAnnotations(request, annotations),
  },
  spec: {
    userId: request.user_id,
    config: config ?? {},
    ...(request.template === undefined ? {} : { templateRef: { name: request.template } }),
    ...(request.image === undefined ? {} : { image: request.image }),
    ...(request.env === undefined ? {} : { env: request.env }),
    ...(request.workspace === undefined ? {} : { workspace: request.workspace }),
    ...(request.resources === undefined ? {} : { resources: request.resources }),
    ...restartPolicyOf(request.restart_policy),
    ...withLifetime(request),
  },
});

const withLifetime = (request: CreateSandboxRequest) => {
  const given = lifetimeOf(request);
  return Object.keys(given).length === 0 ? {} : { lifetime: given };
};

const withAnnotations = ({ metadata = {} }: CreateSandboxRequest, more: Readonly<Record<string, string>>) => {
  const kept = metadataAnnotation(metadata);
  const all = { ...more, ...(kept === null ? {} : { [ANNOTATION_METADATA]: kept }) };
  return Object.keys(all).length === 0 ? {} : { annotations: all };
};
