import { z } from 'zod';
import { AllowedTarget } from './allow-list.ts';
import type { ObjectMeta } from './meta.ts';
import { ColdDriverName } from './workspace-cold.ts';
import { EnvVars, ImageReference, ObjectName, ResourceList, Resources } from './pod-settings.ts';

const Pattern = z.string().min(1).max(512);

/** What a Sandbox may set in place of its template. Whatever is left out is left to it. */
const AllowedOverrides = z.object({
  images: z
    .array(Pattern)
    .max(64)
    .optional()
    .describe(
      'What spec.image may be: a reference, or a beginning of one and `*`. Without it any; with an empty list none.',
    ),
  env: z
    .array(Pattern)
    .max(128)
    .optional()
    .describe('What spec.env may set: a name, or a beginning of one and `*`. Without it any; with an empty list none.'),
  resources: z.boolean().optional().describe('False: spec.resources may not be given.'),
  maxResources: ResourceList.optional().describe(
    'The most that spec.resources may ask for. Of what is named here it has to give a limit.',
  ),
});

/**
 * What a class of sandboxes looks like. A change reaches a sandbox when its next pod is made; a running one is not
 * disturbed. It has no status: nothing has to happen for a template to be usable.
 */
export const SandboxTemplateSpec = z
  .object({
    image: ImageReference.describe('The image of the one container. It needs a user with uid 1000.'),
    imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
    resources: Resources.optional(),
    runtimeClassName: ObjectName.optional().describe('gVisor, Kata: a RuntimeClass of the cluster.'),
    env: EnvVars.optional().describe("The Sandbox's own env wins over it, name by name."),
    cold: z
      .object({
        enabled: z.boolean().default(true).describe('Whether cold storage is mounted at /data/cold.'),
        driver: ColdDriverName.default('rclone').describe(
          'The program that mounts it. mount-s3 is for large data that is mostly read: it refuses renames, appends, ' +
            "random writes and links, and has to be added to the node driver's image.",
        ),
      })
      .optional()
      .describe('Where the installation has no cold storage set up, nothing of this has an effect.'),
    security: z
      .object({
        sudo: z
          .boolean()
          .default(false)
          .describe(
            'Lets setuid programs of the image, such as sudo, make the agent root of a user namespace of its own ' +
              '(hostUsers: false), which is nobody on the node. Needs the component manifests/components/sudo, and a ' +
              'node that has such namespaces.',
          ),
      })
      .optional(),
    network: z
      .object({
        egress: z
          .enum(['Internet', 'None', 'AllowList'])
          .default('Internet')
          .describe(
            "None: nothing but the facade's API and the cluster's DNS, and what NetworkPolicies of your own open to pods with the label matrx.dev/template. AllowList: what allowList names besides.",
          ),
        allowList: z.array(AllowedTarget).min(1).max(64).optional().describe('Where it may open connections to.'),
      })
      .meta({
        'x-kubernetes-validations': [
          {
            rule: "has(self.allowList) == (self.egress == 'AllowList')",
            message: 'allowList goes with egress: AllowList, and that with an allowList',
            fieldPath: '.allowList',
          },
        ],
      })
      .optional()
      .describe('What the sandbox may reach; docs/network.md has the rest.'),
    allowedOverrides: AllowedOverrides.optional().describe(
      'What a Sandbox may set in place of this. One that sets more gets no pod, and its condition says why.',
    ),
    terminationGracePeriodSeconds: z
      .int()
      .min(1)
      .max(3600)
      .default(30)
      .describe('Seconds the processes get to end after SIGTERM. The workspace is saved after that, without a limit.'),
  })
  .describe('What a class of sandboxes looks like. A change applies from the next pod on.');
export type SandboxTemplateSpec = z.infer<typeof SandboxTemplateSpec>;

export interface SandboxTemplate {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: SandboxTemplateSpec;
}
