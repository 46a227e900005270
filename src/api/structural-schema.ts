import { z } from 'zod';

/** An OpenAPI v3 schema in the form that a CustomResourceDefinition takes ("structural"). */
export interface StructuralSchema {
  type?: string;
  format?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  maxProperties?: number;
  required?: string[];
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: boolean | StructuralSchema;
  items?: StructuralSchema;
  anyOf?: StructuralSchema[];
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: CelRule[];
}

/** A rule in the Common Expression Language, checked by the API server on every write. */
export interface CelRule {
  rule: string;
  message: string;
  /** Names the field in the refusal, relative to where the rule stands. */
  fieldPath?: string;
  reason?: string;
}

/**
 * zod → what the API server enforces. Throws for anything that zod would check and the API server could not, so that
 * the two never disagree in silence: refinements and transforms (write a CEL rule in `.meta()` instead), and strings,
 * lists and maps without a maximum, which CEL's cost budget needs.
 */
export const structuralSchema = (schema: z.ZodType): StructuralSchema => {
  const generated = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    // 'output' would write additionalProperties: false, which a CustomResourceDefinition must not hold, and would
    // make every field with a default required.
    io: 'input',
    unrepresentable: 'throw',
    // A shared schema is written out wherever it is used: structural schemas have no $ref.
    reused: 'inline',
    override: ({ zodSchema, jsonSchema, path }) => {
      refuseWhatIsLost(zodSchema, path);
      adapt(jsonSchema as StructuralSchema);
    },
  });
  const { $schema: _dialect, ...structural } = generated as StructuralSchema & { $schema?: string };
  requireMaxima(structural, '');
  return structural;
};

const refuseWhatIsLost = (schema: z.core.$ZodTypes, path: readonly (string | number)[]): void => {
  const checks = schema._zod.def.checks ?? [];
  if (checks.some((check) => check._zod.def.check === 'custom')) {
    throw new TypeError(`${path.join('.')}: a refinement would be lost; write it as x-kubernetes-validations`);
  }
  const { type } = schema._zod.def;
  if (type === 'pipe' || type === 'transform') {
    throw new TypeError(`${path.join('.')}: a transform would be lost; the API server stores what it is given`);
  }
};

const adapt = (schema: StructuralSchema): void => {
  if (schema.type === 'integer') {
    schema.format = 'int64';
    if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
    if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  }
  // The server checks the format itself; zod's pattern for it is a kilobyte.
  if (schema.format === 'date-time') delete schema.pattern;
  if (schema.anyOf !== undefined) adaptIntOrString(schema, schema.anyOf);
  if (schema.type !== 'object') return;
  const additional = schema.additionalProperties;
  if (additional === undefined) return;
  if (additional === true || (typeof additional === 'object' && Object.keys(additional).length === 0)) {
    delete schema.additionalProperties;
    delete schema.properties;
    schema['x-kubernetes-preserve-unknown-fields'] = true;
  }
};

/** The one union that a structural schema knows; its string constraints do not apply to an integer. */
const adaptIntOrString = (schema: StructuralSchema, branches: readonly StructuralSchema[]): void => {
  const text = branches.find((branch) => branch.type === 'string');
  const integer = branches.find((branch) => branch.type === 'integer');
  if (branches.length !== 2 || text === undefined || integer === undefined) {
    throw new TypeError('a union other than integer or string is not structural; use optional fields and a CEL rule');
  }
  delete schema.anyOf;
  schema['x-kubernetes-int-or-string'] = true;
  if (integer.minimum !== undefined) schema.minimum = integer.minimum;
  if (text.pattern !== undefined) schema.pattern = text.pattern;
  if (text.maxLength !== undefined) schema.maxLength = text.maxLength;
};

const requireMaxima = (schema: StructuralSchema, path: string): void => {
  if (!isBounded(schema)) throw new TypeError(`${path}: give it a maximum (max), the CEL cost budget needs it`);
  for (const [name, property] of Object.entries(schema.properties ?? {})) requireMaxima(property, `${path}.${name}`);
  if (schema.items !== undefined) requireMaxima(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === 'object') requireMaxima(schema.additionalProperties, `${path}{}`);
};

const isBounded = (schema: StructuralSchema): boolean => {
  if (schema.type === 'string') {
    return schema.maxLength !== undefined || schema.enum !== undefined || schema.format === 'date-time';
  }
  if (schema.type === 'array') return schema.maxItems !== undefined;
  const isMap = schema.additionalProperties !== undefined || schema['x-kubernetes-preserve-unknown-fields'] === true;
  return !isMap || schema.maxProperties !== undefined;
};
