import { z } from 'zod';
import { GROUP_VERSION, LABEL_MANAGED_BY, LABEL_USER, MANAGED_BY } from '../../../api/names.ts';
import { ObjectName, Resources } from '../../../api/pod-settings.ts';
import { SandboxSpec } from '../../../api/sandbox.ts';
import { WorkspaceNameSuffix } from '../../../api/user-id.ts';
import { workspaceId } from '../../../api/workspace-id.ts';
import { SANDBOXES } from '../../../kube/resource-types.ts';
import type { KubeObject } from '../../../api/meta.ts';

const spec = SandboxSpec.shape;
const resourceList = Resources.shape.requests.unwrap().strict().optional();

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
): RequestedSandbox => ({
  apiVersion: GROUP_VERSION,
  kind: SANDBOXES.kind,
  metadata: {
    name,
    namespace,
    labels: { [LABEL_MANAGED_BY]: MANAGED_BY, [LABEL_USER]: workspaceId(request.user_id) },
  },
  spec: {
    userId: request.user_id,
    config: config ?? {},
    ...(request.template === undefined ? {} : { templateRef: { name: request.template } }),
    ...(request.image === undefined ? {} : { image: request.image }),
    ...(request.env === undefined ? {} : { env: request.env }),
    ...(request.workspace === undefined ? {} : { workspace: request.workspace }),
    ...(request.resources === undefined ? {} : { resources: request.resources }),
  },
});
