import { z } from 'zod';

const Quantity = z
  .string()
  .min(1)
  .max(32)
  .regex(/^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/)
  .describe('A Kubernetes quantity: "500m", "2", "4Gi".');

const ResourceList = z.object({ cpu: Quantity.optional(), memory: Quantity.optional() });

/** requests and limits of the sandbox's one container. */
export const Resources = z.object({ requests: ResourceList.optional(), limits: ResourceList.optional() });
export type Resources = z.infer<typeof Resources>;

/** A plain variable: no `valueFrom`, because a sandbox must not read the cluster's secrets. */
export const EnvVar = z.object({
  name: z
    .string()
    .min(1)
    .max(128)
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
  value: z.string().max(32_768).default(''),
});
export type EnvVar = z.infer<typeof EnvVar>;
