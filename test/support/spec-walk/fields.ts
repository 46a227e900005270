import { customResourceDefinitions } from '../../../src/api/custom-resource-definitions.ts';
import type { StructuralSchema } from '../../../src/api/structural-schema.ts';

export const KINDS = ['Sandbox', 'Workspace', 'SandboxTemplate'] as const;
export type Kind = (typeof KINDS)[number];

/** A leaf of a kind's spec, as its definition has it: `spec.env[].name`. */
export interface Field {
  readonly kind: Kind;
  readonly path: string;
  readonly schema: StructuralSchema;
}

interface Definition {
  readonly names: { readonly kind: string };
  readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: StructuralSchema } }[];
}

/** By kind. Made once: to write the definitions takes as long as a walk. */
const SCHEMAS: ReadonlyMap<string, StructuralSchema | undefined> = new Map(
  [...customResourceDefinitions().values()].map(({ spec }) => {
    const { names, versions } = spec as unknown as Definition;
    return [names.kind, versions[0]?.schema.openAPIV3Schema];
  }),
);

/** The whole schema of a kind, from the definition that the API server gets. */
export const schemaOf = (kind: Kind): StructuralSchema => {
  const schema = SCHEMAS.get(kind);
  if (schema === undefined) throw new Error(`there is no definition of ${kind}`);
  return schema;
};

export const specSchemaOf = (kind: Kind): StructuralSchema => {
  const spec = schemaOf(kind).properties?.['spec'];
  if (spec === undefined) throw new Error(`${kind} has no spec`);
  return spec;
};

/** Every leaf of every kind's spec: whoever adds a field to a schema adds one here. */
export const allFields = (): readonly Field[] =>
  KINDS.flatMap((kind) => leaves(specSchemaOf(kind), 'spec').map(({ path, schema }) => ({ kind, path, schema })));

const leaves = (schema: StructuralSchema, path: string): readonly Omit<Field, 'kind'>[] => {
  if (schema.items !== undefined) return leaves(schema.items, `${path}[]`);
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0) return [{ path, schema }];
  return properties.flatMap(([name, inner]) => leaves(inner, `${path}.${name}`));
};
