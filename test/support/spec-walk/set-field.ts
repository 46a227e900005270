import type { StructuralSchema } from '../../../src/api/structural-schema.ts';
import type { Json } from '../../../src/base/json.ts';
import { type Field, specSchemaOf } from './fields.ts';
import { example } from './values.ts';

type Members = Readonly<Record<string, Json>>;

/**
 * The spec with another value at the field, or without it (undefined). What has to be there for it to be there is made:
 * the objects around it, and whatever they require.
 */
export const setField = (spec: Json, field: Field, value: Json | undefined): Json =>
  put(spec, specSchemaOf(field.kind), field.path.split('.').slice(1), value);

const put = (
  found: Json | undefined,
  schema: StructuralSchema,
  parts: readonly string[],
  value: Json | undefined,
): Json => {
  const [part = '', ...rest] = parts;
  const name = part.replace('[]', '');
  const inner = schema.properties?.[name] ?? {};
  const members = { ...(found as Members | undefined) };
  const next = part.endsWith('[]')
    ? putFirst(members[name], inner.items ?? {}, rest, value)
    : rest.length === 0
      ? value
      : put(members[name], inner, rest, value);
  if (next === undefined) delete members[name];
  else members[name] = next;
  for (const required of schema.required ?? []) {
    if (members[required] === undefined && required !== name) {
      members[required] = example(schema.properties?.[required] ?? {});
    }
  }
  return members;
};

const putFirst = (
  found: Json | undefined,
  schema: StructuralSchema,
  rest: readonly string[],
  value: Json | undefined,
): Json | undefined => {
  const [first, ...others] = Array.isArray(found) ? (found as readonly Json[]) : [];
  if (rest.length === 0) return value === undefined ? undefined : [value, ...others];
  return [put(first, schema, rest, value), ...others];
};

/** What is at the field; of a list, in its first item. */
export const valueAt = (spec: Json, path: string): Json | undefined =>
  path
    .split('.')
    .slice(1)
    .reduce<Json | undefined>((at, part) => {
      const found = (at as Members | undefined)?.[part.replace('[]', '')];
      return part.endsWith('[]') ? (found as readonly Json[] | undefined)?.[0] : found;
    }, spec);
