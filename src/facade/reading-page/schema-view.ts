import type { JsonSchema } from '../openapi/openapi-types.ts';
import { html, type Html } from './html.ts';
import { inline } from './prose.ts';

const PREFIX = '#/components/schemas/';

export const schemaAnchor = (name: string): string => `schema-${name}`;

/** The name of a component that a schema is, or refers to. */
export const componentOf = ({ $ref }: JsonSchema): string | undefined =>
  typeof $ref === 'string' && $ref.startsWith(PREFIX) ? $ref.slice(PREFIX.length) : undefined;

/** In a few words, what a value is: `string`, `list of Commit`, `integer or null`. */
export const typeLabel = (schema: JsonSchema): Html => {
  const component = componentOf(schema);
  if (component !== undefined) return html`<a href="#${schemaAnchor(component)}">${component}</a>`;
  const branches = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined;
  if (branches !== undefined) {
    return html`${branches.flatMap((branch, index) => [index === 0 ? undefined : html` or `, typeLabel(branch)])}`;
  }
  if (schema['type'] === 'array') return html`list of ${typeLabel((schema['items'] ?? {}) as JsonSchema)}`;
  if (schema['type'] === 'object' && schema['properties'] === undefined) return mapLabel(schema);
  const { type } = schema;
  if (Array.isArray(type)) return html`${schema['format'] === 'date-time' ? 'time or null' : type.join(' or ')}`;
  if (typeof type !== 'string') return html`${schema['enum'] === undefined ? 'anything' : 'one of'}`;
  return html`${schema['format'] === 'date-time' ? 'time' : type}`;
};

const mapLabel = ({ additionalProperties }: JsonSchema): Html => {
  const isTyped = typeof additionalProperties === 'object' && Object.keys(additionalProperties ?? {}).length > 0;
  return isTyped ? html`map of ${typeLabel(additionalProperties as JsonSchema)}` : html`object`;
};

const LIMITS: readonly (readonly [keyword: string, words: string])[] = [
  ['minimum', '≥'],
  ['maximum', '≤'],
  ['minLength', 'length ≥'],
  ['maxLength', 'length ≤'],
  ['maxItems', 'at most'],
  ['maxProperties', 'entries ≤'],
];

/** What a value must keep to. */
export const limits = (schema: JsonSchema): readonly Html[] => {
  const ofItems = schema['items'] === undefined ? [] : limits(schema['items'] as JsonSchema);
  const values = schema['enum'] as readonly unknown[] | undefined;
  const bounds = LIMITS.filter(([keyword]) => schema[keyword] !== undefined).map(
    ([keyword, words]) => html`<span class="limit">${words} ${String(schema[keyword])}</span>`,
  );
  return [
    ...ofItems,
    ...(values ?? []).map((value) => html`<code class="choice">${String(value)}</code> `),
    ...(schema['const'] === undefined ? [] : [html`<code class="choice">${JSON.stringify(schema['const'])}</code> `]),
    ...bounds,
    ...(typeof schema['pattern'] === 'string' ? [html`<code class="pattern">${schema['pattern']}</code>`] : []),
    ...(schema['default'] === undefined
      ? []
      : [html`<span class="limit">unless given: <code>${JSON.stringify(schema['default'])}</code></span>`]),
  ];
};

/** The fields of an object, one row each; objects within are shown below their field. */
export const fieldList = (schema: JsonSchema): Html | undefined => {
  const properties = Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>);
  if (properties.length === 0) return undefined;
  const required = (schema['required'] ?? []) as readonly string[];
  return html`<ul class="fields">
    ${properties.map(([name, property]) => field(name, property, required.includes(name)))}
  </ul>`;
};

const field = (name: string, schema: JsonSchema, isRequired: boolean): Html => {
  const { description } = schema;
  return html`<li>
    <div class="name"><code>${name}</code>${isRequired ? undefined : html`<span class="optional">optional</span>`}</div>
    <div class="what">
      <span class="type">${typeLabel(schema)}</span> ${limits(schema)}
      ${typeof description === 'string' ? html`<p>${inline(description)}</p>` : undefined} ${within(schema)}
    </div>
  </li>`;
};

/** The object that a field holds, directly, in a list, or beside null; components have a place of their own. */
const within = (schema: JsonSchema): Html | undefined => {
  if (componentOf(schema) !== undefined) return undefined;
  const items = schema['items'] as JsonSchema | undefined;
  if (items !== undefined) return within(items);
  const branches = (schema['anyOf'] ?? []) as readonly JsonSchema[];
  const inner = branches.find((branch) => branch['properties'] !== undefined);
  return fieldList(inner ?? schema);
};
