import type { JsonSchema } from '../openapi/openapi-types.ts';

type Resolve = (schema: JsonSchema) => JsonSchema;

const MAX_DEPTH = 6;

/** A value that a schema describes, for people to look at. Fields that need not be there are left out of `short` ones. */
export const exampleOf = (schema: JsonSchema, resolve: Resolve, short: boolean, depth = 0): unknown => {
  const known = resolve(schema);
  const examples = known['examples'] as readonly unknown[] | undefined;
  if (examples?.[0] !== undefined) return examples[0];
  if (known['const'] !== undefined) return known['const'];
  if (known['default'] !== undefined) return known['default'];
  const choices = known['enum'] as readonly unknown[] | undefined;
  if (choices !== undefined) return choices[0];
  const branches = (known['anyOf'] ?? known['oneOf']) as readonly JsonSchema[] | undefined;
  if (branches?.[0] !== undefined) return exampleOf(branches[0], resolve, short, depth);
  if (depth > MAX_DEPTH) return null;
  return ofType(known, resolve, short, depth);
};

const ofType = (schema: JsonSchema, resolve: Resolve, short: boolean, depth: number): unknown => {
  switch (schema['type']) {
    case 'object':
      return ofObject(schema, resolve, short, depth);
    case 'array': {
      const { items } = schema;
      return items === undefined ? [] : [exampleOf(items as JsonSchema, resolve, short, depth + 1)];
    }
    case 'integer':
    case 'number':
      return schema['minimum'] ?? 0;
    case 'boolean':
      return true;
    case 'string':
      return schema['format'] === 'date-time' ? '2026-01-02T03:04:05Z' : '…';
    default:
      return schema['type'] === 'null' ? null : {};
  }
};

const ofObject = (schema: JsonSchema, resolve: Resolve, short: boolean, depth: number): unknown => {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
  const required = (schema['required'] ?? []) as readonly string[];
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => !short || required.includes(name))
      .map(([name, property]) => [name, exampleOf(property, resolve, short, depth + 1)]),
  );
};
