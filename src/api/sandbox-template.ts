import { z } from 'zod';
import { Conditions } from './condition.ts';
import type { ObjectMeta } from './meta.ts';
import { EnvVar, Resources } from './pod-settings.ts';

/** What a class of sandboxes looks like. */
export const SandboxTemplateSpec = z.object({
  image: z.string().min(1).max(512),
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
  resources: Resources.optional(),
  runtimeClassName: z.string().min(1).max(253).optional().describe('gVisor, Kata: a RuntimeClass of the cluster.'),
  env: z
    .array(EnvVar)
    .max(128)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
    .optional(),
  terminationGracePeriodSeconds: z.int().min(1).max(3600).default(30),
});
export type SandboxTemplateSpec = z.infer<typeof SandboxTemplateSpec>;

export const SandboxTemplateStatus = z.object({
  observedGeneration: z.int().min(-1).optional(),
  conditions: Conditions.optional(),
});
export type SandboxTemplateStatus = z.infer<typeof SandboxTemplateStatus>;

export interface SandboxTemplate {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: SandboxTemplateSpec;
  readonly status?: SandboxTemplateStatus;
}
