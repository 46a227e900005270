import { z } from 'zod';

/** An integer or a string, as everywhere in Kubernetes: `cpu: 2` and `cpu: "2"` are the same. */
const Quantity = z
  .union([
    z.int().min(0),
    z
      .string()
      .min(1)
      .max(32)
      .regex(/^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/),
  ])
  .describe('A Kubernetes quantity: "500m", 2, "4Gi".');

export const ResourceList = z.object({
  cpu: Quantity.optional(),
  memory: Quantity.optional(),
  'ephemeral-storage': Quantity.optional().describe(
    'Disk of the node for all but the home of a workspace: what the container writes elsewhere, an ephemeral home, logs. A pod that takes more than its limit is evicted, and another takes its place.',
  ),
});

/** Both are optional, so each has to be there to be compared; a quantity given as an integer becomes a string first. */
const requestWithinLimit = (resource: 'cpu' | 'memory' | 'ephemeral-storage') => {
  // CEL's own spelling of a name with a dash.
  const name = resource.replaceAll('-', '__dash__');
  return {
    rule:
      `!has(self.requests) || !has(self.requests.${name}) || !has(self.limits) || !has(self.limits.${name}) || ` +
      `quantity(string(self.requests.${name})).compareTo(quantity(string(self.limits.${name}))) <= 0`,
    message: `requests.${resource} must not be more than limits.${resource}`,
    fieldPath: '.requests',
  };
};

/** requests and limits of the sandbox's one container. */
export const Resources = z.object({ requests: ResourceList.optional(), limits: ResourceList.optional() }).meta({
  'x-kubernetes-validations': [
    requestWithinLimit('cpu'),
    requestWithinLimit('memory'),
    requestWithinLimit('ephemeral-storage'),
  ],
});
export type Resources = z.infer<typeof Resources>;

/** Variables that the product sets itself: one given by a person would have to be dropped in silence. */
export const RESERVED_ENV_NAMES = [
  'SANDBOX_ID',
  'USER_ID',
  'HOT_PATH',
  'COLD_PATH',
  'HOME',
  'ORCHESTRATOR_URL',
] as const;
export const RESERVED_ENV_PREFIXES = ['KUBERNETES_', 'MATRX_'] as const;

const reservedEnvRule = {
  rule: [
    `!(self in [${RESERVED_ENV_NAMES.map((name) => `'${name}'`).join(', ')}])`,
    ...RESERVED_ENV_PREFIXES.map((prefix) => `!self.startsWith('${prefix}')`),
  ].join(' && '),
  message: `is set by the product: ${RESERVED_ENV_NAMES.join(', ')}, ${RESERVED_ENV_PREFIXES.map((prefix) => `${prefix}*`).join(' and ')} cannot be given`,
  reason: 'FieldValueForbidden',
};

/** A plain variable: no `valueFrom`, because a sandbox must not read the cluster's secrets. */
export const EnvVar = z.object({
  name: z
    .string()
    .min(1)
    .max(128)
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
    .meta({ 'x-kubernetes-validations': [reservedEnvRule] }),
  value: z.string().max(32_768).default(''),
});
export type EnvVar = z.infer<typeof EnvVar>;

/** A name is in the list once: the API server keeps it as a map. */
export const EnvVars = z
  .array(EnvVar)
  .max(128)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] });

/** No whitespace, so that a blank or pasted-with-a-newline reference is refused here and not as a failed pull. */
export const ImageReference = z.string().min(1).max(512).regex(/^\S+$/);

/** RFC 1123 subdomain: the name of most Kubernetes objects. */
export const ObjectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
