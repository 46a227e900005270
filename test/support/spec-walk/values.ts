import * as fc from 'fast-check';
import type { StructuralSchema } from '../../../src/api/structural-schema.ts';
import type { Json } from '../../../src/base/json.ts';
import type { Field } from './fields.ts';

/**
 * Values that mean something to a cluster, where the schema alone would hardly ever hit on one: what the played registry,
 * scheduler and kubelet know or do not know. Keyed by kind and path; a test holds the keys to the schema.
 */
export const TELLING_VALUES: Readonly<Record<string, readonly Json[]>> = {
  'Sandbox spec.image': ['example/other:1', 'example/missing:1', 'example/crashing:1', 'Example/Upper:1'],
  'Sandbox spec.templateRef.name': ['default', 'other', 'missing'],
  'Sandbox spec.env[].name': ['PATH', 'HOME', 'MATRX_X', 'COLOR'],
  'Sandbox spec.resources.requests.cpu': ['100m', 64],
  'Sandbox spec.resources.requests.memory': ['64Mi', '1Ti'],
  'Sandbox spec.resources.requests.ephemeral-storage': ['1Mi', '1Ti'],
  'Sandbox spec.resources.limits.cpu': [2, 64],
  'Sandbox spec.resources.limits.memory': ['256Mi', '1Mi', '1Ti'],
  'Sandbox spec.resources.limits.ephemeral-storage': ['1Gi', '1Ki', '1Ti'],
  'Sandbox spec.workspace.name': ['other'],
  'Sandbox spec.userId': ['bob'],
  'SandboxTemplate spec.image': ['example/other:1', 'example/missing:1', 'example/crashing:1', 'Example/Upper:1'],
  'SandboxTemplate spec.runtimeClassName': ['gvisor', 'missing'],
  'SandboxTemplate spec.env[].name': ['PATH', 'COLOR'],
  'SandboxTemplate spec.resources.requests.cpu': ['100m', 64],
  'SandboxTemplate spec.resources.limits.memory': ['256Mi', '1Mi', '1Ti'],
  'SandboxTemplate spec.resources.limits.ephemeral-storage': ['1Gi', '1Ki', '1Ti'],
  'SandboxTemplate spec.allowedOverrides.images[]': ['example/*', 'ours/*'],
  'SandboxTemplate spec.allowedOverrides.env[]': ['*', 'APP_*'],
  'SandboxTemplate spec.network.allowList[].cidr': [
    '203.0.113.7/32',
    '203.0.113.7/24',
    '169.254.169.254/32',
    '0.0.0.0/0',
    '010.0.0.0/8',
    '10.244.0.0/25',
    '::/0',
    '2001:db8::/48',
    '2001:db8::1/48',
    '::ffff:10.0.0.0/104',
    'fd00:ec2::254/128',
    'fc00::/7',
  ],
  'SandboxTemplate spec.network.allowList[].ports[].endPort': [1, 442, 8080],
  'Workspace spec.restore.sequence': [1],
  'Workspace spec.userId': ['bob'],
};

export const tellingValues = ({ kind, path }: Field): readonly Json[] => TELLING_VALUES[`${kind} ${path}`] ?? [];

/** What the schema takes, its limits with preference. */
export const validValue = (field: Field): fc.Arbitrary<Json> => {
  const telling = tellingValues(field);
  const drawn = fc.oneof(fc.constantFrom<Json>(...limits(field.schema)), within(field.schema));
  return telling.length === 0 ? drawn : fc.oneof(fc.constantFrom<Json>(...telling), drawn);
};

/** Of the wrong type, or just outside. */
export const invalidValues = ({ schema }: Field): readonly Json[] => {
  const { type, minimum, maximum, minLength, maxLength, pattern } = schema;
  if (schema['x-kubernetes-int-or-string'] === true) return [-1, 'lots', true];
  if (schema.enum !== undefined) return ['Nonsense', 7];
  if (type === 'boolean') return ['yes', 7];
  if (type === 'integer') {
    return [
      'text',
      1.5,
      ...(minimum === undefined ? [] : [minimum - 1]),
      ...(maximum === undefined ? [] : [maximum + 1]),
    ];
  }
  if (type === 'string') {
    return [
      7,
      ...((minLength ?? 0) > 0 ? [''] : []),
      ...(pattern === undefined ? [] : ['no\nsuch thing']),
      ...(maxLength === undefined ? [] : ['a'.repeat(maxLength + 1)]),
    ];
  }
  return ['text', 7];
};

/** The values at the edge of what is allowed. */
export const limits = (schema: StructuralSchema): readonly Json[] => {
  if (schema['x-kubernetes-int-or-string'] === true) return [0, 1, '1', '1500m', '1Gi', '999999Ti'];
  if (schema.enum !== undefined) return schema.enum as readonly Json[];
  if (schema.type === 'boolean') return [true, false];
  if (schema.type === 'integer') return [schema.minimum ?? 0, schema.maximum ?? Number.MAX_SAFE_INTEGER];
  if (schema.type === 'string') return edgesOfText(schema);
  return [{}, { nested: { list: [1, 'two', null] } }];
};

const edgesOfText = ({ minLength = 0, maxLength = 64, pattern }: StructuralSchema): readonly string[] => {
  const edges = ['a'.repeat(Math.max(1, minLength)), 'a'.repeat(maxLength)];
  const taken = pattern === undefined ? edges : edges.filter((text) => new RegExp(pattern).test(text));
  return taken.length > 0 ? taken : [matching(pattern ?? '')];
};

const within = (schema: StructuralSchema): fc.Arbitrary<Json> => {
  const { type, minimum = 0, maximum = Number.MAX_SAFE_INTEGER, pattern, minLength = 0, maxLength = 64 } = schema;
  if (schema['x-kubernetes-int-or-string'] === true) {
    const unit = fc.constantFrom('', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi');
    return fc.oneof(
      fc.integer({ min: 0, max: 64 }),
      fc.tuple(fc.integer({ min: 0, max: 4096 }), unit).map((two) => two.join('')),
    );
  }
  if (type === 'integer') return fc.integer({ min: minimum, max: maximum });
  if (type === 'string' && schema.enum === undefined) {
    const text = pattern === undefined ? fc.string() : fc.stringMatching(new RegExp(pattern), { size: 'small' });
    return text.filter((drawn) => drawn.length >= minLength && drawn.length <= maxLength);
  }
  return fc.constantFrom<Json>(...limits(schema));
};

const matching = (pattern: string): string =>
  fc.sample(fc.stringMatching(new RegExp(pattern)), { seed: 1, numRuns: 1 })[0] ?? '';

/** Some value that the schema takes: the same each time. */
export const example = (schema: StructuralSchema): Json => {
  if (schema.default !== undefined) return schema.default as Json;
  if (schema['x-kubernetes-validations']?.some(({ rule }) => rule === 'isCIDR(self)') === true) return '203.0.113.0/24';
  if (schema.type === 'object' && schema.properties !== undefined) {
    return Object.fromEntries((schema.required ?? []).map((name) => [name, example(schema.properties?.[name] ?? {})]));
  }
  return limits(schema)[0] ?? null;
};
