import type { Resources } from '../api/pod-settings.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { SandboxTemplate } from '../api/sandbox-template.ts';

/** The two objects that a pod is made from. The template is undefined where it has gone since. */
export interface Origin {
  readonly sandbox: Sandbox;
  readonly template: SandboxTemplate | undefined;
}

/** A field of the sandbox's template, as messages name it. */
export const templateField = ({ sandbox, template }: Origin, path: string): string =>
  `${path} of SandboxTemplate ${template?.metadata.name ?? sandbox.spec.templateRef.name}`;

/** Where the image of the pod comes from: the Sandbox's own wins. */
export const imageField = (origin: Origin): string =>
  origin.sandbox.spec.image === undefined ? templateField(origin, 'spec.image') : 'spec.image';

export const resourcesOf = ({ sandbox, template }: Origin): Resources =>
  sandbox.spec.resources ?? template?.spec.resources ?? {};

export const resourcesField = (origin: Origin, path = ''): string =>
  origin.sandbox.spec.resources === undefined
    ? templateField(origin, `spec.resources${path}`)
    : `spec.resources${path}`;

/** Variables come from both. */
export const envFields = (origin: Origin): readonly string[] => [
  ...((origin.sandbox.spec.env ?? []).length > 0 ? ['spec.env'] : []),
  ...((origin.template?.spec.env ?? []).length > 0 ? [templateField(origin, 'spec.env')] : []),
];
