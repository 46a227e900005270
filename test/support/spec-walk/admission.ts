import type { StructuralSchema } from '../../../src/api/structural-schema.ts';
import { sameJson, type Json } from '../../../src/base/json.ts';
import { isMore } from '../../../src/base/quantity.ts';
import { BLOCK_JUDGES } from './block-judges.ts';
import { type Kind, specSchemaOf } from './fields.ts';

type Members = Readonly<Record<string, Json>>;
type Judge = (self: Members, old: Members | undefined) => boolean;

/** What the API server names of a spec that it will not have. */
export interface Refusal {
  readonly field: string;
  /** Where the rule stands that was broken: its message tells of the fields in it. */
  readonly within?: string;
}

/**
 * What the API server refuses of a changed spec, by the schema and the rules in it; nothing where it takes it. The rules are written in CEL, which only a server evaluates; here each has a function that says the same, and
 * one that has none fails the walk. test/e2e holds the real server to the same refusals.
 */
export const refusalsOf = (kind: Kind, spec: Json, old?: Json): readonly Refusal[] =>
  refusals(specSchemaOf(kind), spec, old, 'spec');

const refusals = (schema: StructuralSchema, value: Json, old: Json | undefined, path: string): readonly Refusal[] => {
  if (!isOfType(schema, value) || !isWithin(schema, value)) return [{ field: path }];
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    const tooMany = items.length > (schema.maxItems ?? Infinity) ? [{ field: path }] : [];
    return [
      ...tooMany,
      ...items.flatMap((item, at) => refusals(schema.items ?? {}, item, undefined, `${path}[${at}]`)),
    ];
  }
  const inner = isMembers(value) ? membersRefused(schema, value, old as Members | undefined, path) : [];
  return inner.length > 0 ? inner : rulesBroken(schema, value, old, path);
};

const isMembers = (value: Json): value is Members =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const membersRefused = (
  schema: StructuralSchema,
  value: Members,
  old: Members | undefined,
  path: string,
): readonly Refusal[] => [
  ...(schema.required ?? []).filter((name) => value[name] === undefined).map((name) => ({ field: `${path}.${name}` })),
  ...Object.entries(schema.properties ?? {}).flatMap(([name, inner]) =>
    value[name] === undefined ? [] : refusals(inner, value[name], old?.[name], `${path}.${name}`),
  ),
];

const isOfType = (schema: StructuralSchema, value: Json): boolean => {
  if (schema['x-kubernetes-int-or-string'] === true) return typeof value === 'string' || Number.isInteger(value);
  if (schema.type === 'array') return Array.isArray(value);
  if (schema.type === 'object') return isMembers(value);
  if (schema.type === 'integer') return Number.isInteger(value);
  return schema.type === undefined || typeof value === schema.type;
};

const isWithin = (schema: StructuralSchema, value: Json): boolean => {
  const { minimum = -Infinity, maximum = Infinity, minLength = 0, maxLength = Infinity, pattern } = schema;
  if (schema.enum !== undefined) return schema.enum.includes(value);
  if (typeof value === 'number') return value >= minimum && value <= maximum;
  if (typeof value !== 'string') return true;
  return (
    value.length >= minLength && value.length <= maxLength && (pattern === undefined || new RegExp(pattern).test(value))
  );
};

const rulesBroken = (schema: StructuralSchema, self: Json, old: Json | undefined, path: string): readonly Refusal[] =>
  (schema['x-kubernetes-validations'] ?? [])
    .filter(({ rule }) => old !== undefined || !rule.includes('oldSelf'))
    .filter(({ rule }) => !judgeOf(rule)(self as Members, old as Members | undefined))
    .map(({ fieldPath = '' }) => ({ field: path + fieldPath, within: path }));

const same = (a: Json | undefined, b: Json | undefined): boolean => sameJson(a ?? null, b ?? null);

const JUDGES: readonly (readonly [rule: RegExp, judge: (match: RegExpExecArray) => Judge])[] = [
  [/^self == oldSelf$/u, () => (self, old) => same(self, old)],
  [
    /^!\(has\(self\.name\) && has\(self\.ephemeral\)/u,
    () =>
      ({ name, ephemeral }) =>
        name === undefined || ephemeral !== true,
  ],
  [
    /^!has\(self\.requests\) \|\| !has\(self\.requests\.(\w+)\)/u,
    ([, name = '']) => requestWithinLimit(name.replaceAll('__dash__', '-')),
  ],
  [
    /^!\(self in \[(.*?)\]\) && (.*)$/u,
    ([, names = '', prefixes = '']) =>
      (self) => {
        const text = JSON.stringify(self).slice(1, -1);
        const begins = [...prefixes.matchAll(/startsWith\('(\w+)'\)/gu)];
        return !names.includes(`'${text}'`) && begins.every(([, prefix = '']) => !text.startsWith(prefix));
      },
  ],
  [
    /^has\(self\.manifest\) != has\(self\.sequence\)$/u,
    () =>
      ({ manifest, sequence }) =>
        (manifest === undefined) !== (sequence === undefined),
  ],
  [
    /^self\.requestId != oldSelf\.requestId \|\| self == oldSelf$/u,
    () => (self, old) => self['requestId'] !== old?.['requestId'] || same(self, old),
  ],
  [/^self\.userId == oldSelf\.userId$/u, () => (self, old) => same(self['userId'], old?.['userId'])],
  [
    /^has\(self\.allowList\) == \(self\.egress == 'AllowList'\)$/u,
    () =>
      ({ allowList, egress = 'Internet' }) =>
        (allowList !== undefined) === (egress === 'AllowList'),
  ],
  [
    /^!has\(self\.endPort\) \|\| self\.endPort >= self\.port$/u,
    () =>
      ({ port, endPort }) =>
        endPort === undefined || (endPort as number) >= (port as number),
  ],
  ...BLOCK_JUDGES,
  [/^has\(self\.name\) == has\(oldSelf\.name\)/u, () => (self, old) => same(self['name'], old?.['name'])],
];

const judgeOf = (rule: string): Judge => {
  for (const [pattern, judge] of JUDGES) {
    const match = pattern.exec(rule);
    if (match !== null) return judge(match);
  }
  throw new Error(`the walk has no judge for the rule ${rule}`);
};

const requestWithinLimit =
  (name: string): Judge =>
  ({ requests, limits }) => {
    const [request, limit] = [(requests as Members | undefined)?.[name], (limits as Members | undefined)?.[name]];
    return request === undefined || limit === undefined || !isMore(request as string, limit as string);
  };
