import { z } from 'zod';
import { sameJson } from '../../base/json.ts';
import type { JsonSchema } from './openapi-types.ts';

/** zod → JSON Schema, with the shared ones (`.meta({ id })`) gathered as components. */
export interface Schemas {
  /** What a client may send. */
  readonly input: (schema: z.ZodType) => JsonSchema;
  /** What this server answers. */
  readonly output: (schema: z.ZodType) => JsonSchema;
  readonly components: () => Readonly<Record<string, JsonSchema>>;
}

export const makeSchemas = (): Schemas => {
  const components = new Map<string, JsonSchema>();
  const gather = (name: string, schema: JsonSchema): void => {
    const before = components.get(name);
    if (before !== undefined && !sameJson(before, schema)) {
      throw new Error(`two schemas are called ${name}: as a request and as an answer it may not be the same`);
    }
    components.set(name, schema);
  };
  const convert = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => {
    const converted = z.toJSONSchema(schema, {
      target: 'draft-2020-12',
      io,
      unrepresentable: 'throw',
      override: ({ zodSchema, jsonSchema }) => adapt(zodSchema, jsonSchema, io),
    });
    const { $schema: _dialect, $defs = {}, ...rest } = converted as JsonSchema & { $defs?: Record<string, JsonSchema> };
    for (const [name, definition] of Object.entries($defs)) gather(name, withoutId(referring(definition)));
    return referring(rest);
  };
  return {
    input: (schema) => convert(schema, 'input'),
    output: (schema) => convert(schema, 'output'),
    components: () => Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
};

const adapt = (zodSchema: z.core.$ZodTypes, jsonSchema: z.core.JSONSchema.BaseSchema, io: 'input' | 'output'): void => {
  const schema = jsonSchema as Record<string, unknown>;
  for (const name of Object.keys(schema)) {
    // Rules for the API server, which a client's generator does not know.
    if (name.startsWith('x-kubernetes-')) delete schema[name];
  }
  // An answer may get further fields: a client must not refuse them.
  const { def } = zodSchema._zod;
  if (io === 'output' && def.type === 'object' && def.catchall === undefined) delete schema['additionalProperties'];
  // The format says it; zod's pattern for it is a kilobyte.
  if (schema['format'] === 'date-time') delete schema['pattern'];
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) delete schema['minimum'];
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum'];
};

const referring = (schema: JsonSchema): JsonSchema =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonSchema;

const withoutId = ({ id: _id, $id: _uri, ...schema }: JsonSchema): JsonSchema => schema;
