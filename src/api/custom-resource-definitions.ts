import type { z } from 'zod';
import { API_GROUP, API_VERSION } from './names.ts';
import { SandboxSpec, SandboxStatus } from './sandbox.ts';
import { SandboxTemplateSpec } from './sandbox-template.ts';
import { type CelRule, type StructuralSchema, structuralSchema } from './structural-schema.ts';
import { WorkspaceSpec, WorkspaceStatus } from './workspace.ts';

interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description?: string;
  /** 1: only with `-o wide`. */
  readonly priority?: number;
}

interface Kind {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status?: z.ZodType;
  readonly rules?: readonly CelRule[];
  readonly selectableFields?: readonly string[];
  readonly columns: readonly PrinterColumn[];
}

const condition = (type: string, field: 'status' | 'reason' | 'message'): string =>
  `.status.conditions[?(@.type=="${type}")].${field}`;
const AGE: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

const SANDBOX: Kind = {
  kind: 'Sandbox',
  plural: 'sandboxes',
  shortName: 'sbx',
  description: "A user's Linux sandbox: one pod, whose home is restored before it starts and saved when it ends.",
  spec: SandboxSpec,
  status: SandboxStatus,
  rules: [
    {
      // The name becomes the pod's name, its host name and a label value.
      rule: "size(self.metadata.name) <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
      message:
        'metadata.name must be 1 to 63 lower-case letters, digits and "-", beginning and ending with a letter or digit',
    },
  ],
  selectableFields: ['.spec.userId'],
  // The first condition speaks for the whole: Ready or, at rest, Stopped.
  columns: [
    { name: 'Ready', type: 'string', jsonPath: condition('Ready', 'status') },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[0].reason' },
    { name: 'User', type: 'string', jsonPath: '.spec.userId' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Node', type: 'string', jsonPath: '.status.node' },
    { name: 'Expires', type: 'string', jsonPath: '.status.expiresAt', priority: 1 },
    { name: 'Pod', type: 'string', jsonPath: '.status.podName', priority: 1 },
    { name: 'Workspace', type: 'string', jsonPath: '.status.workspace.name', priority: 1 },
    { name: 'Saved', type: 'string', jsonPath: condition('WorkspaceSaved', 'status'), priority: 1 },
    { name: 'Message', type: 'string', jsonPath: '.status.conditions[0].message', priority: 1 },
    AGE,
  ],
};

const WORKSPACE: Kind = {
  kind: 'Workspace',
  plural: 'workspaces',
  shortName: 'ws',
  description: "One user's durable files: a prefix in the bucket with a history of commits, and one writer at a time.",
  spec: WorkspaceSpec,
  status: WorkspaceStatus,
  rules: [
    {
      // One Workspace object for one prefix: two would be two locks for the same files. A hash cannot be computed
      // here; the controller refuses a wrong one.
      rule:
        "self.metadata.name == self.spec.userId + (has(self.spec.name) ? '.' + self.spec.name : '') || " +
        "(self.metadata.name.startsWith('x--') && (self.spec.userId.startsWith('x--') || " +
        "!self.spec.userId.matches('^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')))",
      message:
        'metadata.name must follow from the spec: <userId>, or <userId>.<name> (x--<hash> for a user id that is no DNS label)',
    },
  ],
  selectableFields: ['.spec.userId'],
  columns: [
    { name: 'User', type: 'string', jsonPath: '.spec.userId' },
    { name: 'Writer', type: 'string', jsonPath: '.status.writer.sandbox', description: 'The Sandbox that holds it.' },
    { name: 'Epoch', type: 'integer', jsonPath: '.status.epoch' },
    { name: 'Sequence', type: 'integer', jsonPath: '.status.head.sequence', description: 'Commits so far.' },
    { name: 'Saved', type: 'string', jsonPath: condition('Saved', 'status') },
    { name: 'Files', type: 'integer', jsonPath: '.status.head.files' },
    { name: 'Bytes', type: 'integer', jsonPath: '.status.head.bytes' },
    { name: 'Cold', type: 'integer', jsonPath: '.status.coldUsage.objects', description: 'Objects when last closed.' },
    { name: 'Cold bytes', type: 'integer', jsonPath: '.status.coldUsage.bytes', priority: 1 },
    { name: 'Node', type: 'string', jsonPath: '.status.session.node', priority: 1 },
    { name: 'Session', type: 'string', jsonPath: '.status.session.state', priority: 1 },
    { name: 'Message', type: 'string', jsonPath: condition('Ready', 'message'), priority: 1 },
    AGE,
  ],
};

const SANDBOX_TEMPLATE: Kind = {
  kind: 'SandboxTemplate',
  plural: 'sandboxtemplates',
  shortName: 'sbt',
  description: 'What a class of sandboxes looks like: image, resources, runtime class, environment.',
  spec: SandboxTemplateSpec,
  columns: [
    { name: 'Image', type: 'string', jsonPath: '.spec.image' },
    { name: 'Runtime', type: 'string', jsonPath: '.spec.runtimeClassName' },
    AGE,
  ],
};

/** A CustomResourceDefinition, ready to be written as YAML. */
export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

const openApiSchema = (kind: Kind): StructuralSchema => ({
  type: 'object',
  description: kind.description,
  required: ['spec'],
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: structuralSchema(kind.spec),
    // The default closes the moment before the first pass: kstatus and `kubectl wait` see "not observed yet", where an
    // object without any status counts as ready.
    ...(kind.status === undefined
      ? {}
      : {
          status: {
            ...structuralSchema(kind.status),
            description: 'What is; written by the controller.',
            default: { observedGeneration: -1 },
          },
        }),
  },
  ...(kind.rules === undefined ? {} : { 'x-kubernetes-validations': [...kind.rules] }),
});

const definition = (kind: Kind): CustomResourceDefinition => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.plural}.${API_GROUP}` },
  spec: {
    group: API_GROUP,
    scope: 'Namespaced',
    names: {
      kind: kind.kind,
      listKind: `${kind.kind}List`,
      plural: kind.plural,
      singular: kind.kind.toLowerCase(),
      shortNames: [kind.shortName],
      categories: ['matrx'],
    },
    versions: [
      {
        name: API_VERSION,
        served: true,
        storage: true,
        ...(kind.status === undefined ? {} : { subresources: { status: {} } }),
        ...(kind.selectableFields === undefined
          ? {}
          : { selectableFields: kind.selectableFields.map((jsonPath) => ({ jsonPath })) }),
        additionalPrinterColumns: kind.columns,
        schema: { openAPIV3Schema: openApiSchema(kind) },
      },
    ],
  },
});

/** The product's CustomResourceDefinitions by file name, generated from the zod schemas. */
export const customResourceDefinitions = (): ReadonlyMap<string, CustomResourceDefinition> =>
  new Map([SANDBOX, WORKSPACE, SANDBOX_TEMPLATE].map((kind) => [`${kind.plural}.yaml`, definition(kind)]));
