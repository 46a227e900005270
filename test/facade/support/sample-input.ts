import { z } from 'zod';

/** As much of JSON Schema as is looked at. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
}

/** Texts, the plainest first, of which one has any form that a field of this API asks for. */
const TEXTS = ['x', '/x', '1', 'x-1', '2030-01-01T00:00:00Z', 'http://example.test/', 'eA==', '10.0.0.1'];

/** The least that a schema takes: what is required, and nothing else. Throws where it does not find it. */
export const sampleInput = (schema: z.ZodType): unknown => {
  const sample = sampleOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema);
  const parsed = schema.safeParse(sample);
  if (parsed.success) return sample;
  throw new Error(
    `no sample for this schema, give one (SAMPLES): ${JSON.stringify(sample)} is not taken: ${parsed.error.message}`,
  );
};

const sampleOf = (schema: Schema): unknown => {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const [alternative] = schema.anyOf ?? schema.oneOf ?? [];
  if (alternative !== undefined) return sampleOf(alternative);
  const [type] = [schema.type].flat();
  if (type === 'object' || schema.properties !== undefined) {
    const { properties = {}, required = [] } = schema;
    return Object.fromEntries(required.map((name) => [name, sampleOf(properties[name] ?? {})]));
  }
  if (type === 'array') return Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(schema.items ?? {}));
  if (type === 'integer' || type === 'number') return Math.max(1, schema.minimum ?? 1);
  if (type === 'boolean') return true;
  if (type === 'null') return null;
  return textFor(schema);
};

const textFor = ({ pattern, minLength = 0, allOf = [] }: Schema): string => {
  const patterns = [pattern, ...allOf.map((part) => part.pattern)]
    .filter((one) => one !== undefined)
    .map((one) => new RegExp(one, 'u'));
  return (
    TEXTS.map((text) => text.padEnd(minLength, 'x')).find((text) => patterns.every((one) => one.test(text))) ?? 'x'
  );
};
