import { customResourceDefinitions } from '../src/api/custom-resource-definitions.ts';
import { API_GROUP, API_VERSION } from '../src/api/names.ts';
import { Reason, SandboxConditionType, WorkspaceConditionType } from '../src/api/reasons.ts';
import type { CelRule, StructuralSchema } from '../src/api/structural-schema.ts';
import { markdownTable } from './markdown-table.ts';

interface Definition {
  readonly names: { readonly kind: string; readonly shortNames: readonly string[] };
  readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: StructuralSchema } }[];
}

/** docs/crds.md: every field of the custom resources, as the API server holds them. */
export const crdReference = (): string => {
  const kinds = [...customResourceDefinitions().values()].map(({ spec }) => spec as unknown as Definition);
  return `# The custom resources

Written by \`make generate\` from the zod schemas in \`src/api\`; \`kubectl explain sandbox.spec\` says the same of a cluster's own
version. All are of \`${API_GROUP}/${API_VERSION}\`, and live in the namespace \`sandboxes\`. A dot leads into an object, \`[]\` into
a list. What is in bold is required where the object around it is given.

${kinds.map(kindSection).join('\n')}
## Conditions

Of a Sandbox: ${codes(Object.values(SandboxConditionType))}. Of a Workspace: ${codes(Object.values(WorkspaceConditionType))}.
\`Stalled\` and \`Reconciling\` are there only while they are true, and repeat the reason of \`Ready\`, or of \`Stopped\` (kstatus).
A Sandbox has one of \`Ready\` and \`Stopped\`. \`Stopped\` takes the place when it has ended, with its home let go and nothing left to do: as asked
(\`Stopped\`, \`Suspended\`), by its lifetime (\`Expired\`, \`Idle\`, \`HeartbeatMissed\`), or for good (\`PodLost\`, which is \`Stalled\` as well).
It is never False, and what is wanted has come: kstatus calls it Current. \`kubectl wait --for=condition=Stopped sbx/NAME\` waits for it.
\`Stalled\` means that a person has to change something, and its message names the field: \`spec.image\`, or \`spec.image of SandboxTemplate
default\` where it comes from there. What may as well go away by itself (\`ImagePullFailed\`, \`Unschedulable\`, \`ContainerFailing\`, \`PodFailed\`)
is \`Reconciling\` until it has lasted for \`spec.progressDeadlineSeconds\`, and \`Stalled\` from then on. All of it is tried on, and a pod in
which nothing runs is replaced as soon as what it was made from has changed. \`WorkspaceInUse\` and \`QuotaExceeded\` stay \`Reconciling\`: no
field is wrong, and the sandbox starts when another of the user's sandboxes has let go, or files have been deleted.

A reason is one of a closed set, and programs may decide by it; a message is for people and may change at any time. The reasons:
${codes(Object.values(Reason))}.
`;
};

const kindSection = ({ names, versions }: Definition): string => {
  const schema = versions[0]?.schema.openAPIV3Schema ?? {};
  const { spec, status } = schema.properties ?? {};
  const parts = [
    `## ${names.kind}`,
    `${schema.description ?? ''} Short: ${codes(names.shortNames)}.`,
    ...(schema['x-kubernetes-validations'] === undefined ? [] : [rules(schema['x-kubernetes-validations'])]),
    ...(spec === undefined ? [] : [table(fields(spec, 'spec'))]),
    ...(status === undefined ? [] : [table(fields(status, 'status'))]),
  ];
  return `${parts.join('\n\n')}\n`;
};

const table = (rows: readonly (readonly string[])[]): string => markdownTable(['field', 'type', 'what'], rows);

/** One row a field, those inside it after it. Of a condition, everybody knows what is inside. */
const fields = (schema: StructuralSchema, path: string): readonly (readonly string[])[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const own = `${path}.${name}`;
    const shown = schema.required?.includes(name) === true ? `**\`${own}\`**` : `\`${own}\``;
    const inner =
      name === 'conditions' ? [] : field.items === undefined ? fields(field, own) : fields(field.items, `${own}[]`);
    return [[shown, typeOf(field), whatOf(field)], ...inner];
  });

const typeOf = (schema: StructuralSchema): string => {
  if (schema['x-kubernetes-int-or-string'] === true) return 'integer or string';
  if (schema.enum !== undefined) return codes(schema.enum.map(String)).replaceAll(', ', ' \\| ');
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
  if (typeof schema.additionalProperties === 'object') return `map of ${typeOf(schema.additionalProperties)}`;
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return 'any object';
  return schema.format === 'date-time' ? 'time (RFC 3339)' : (schema.type ?? 'any');
};

const whatOf = (schema: StructuralSchema): string =>
  [
    schema.description ?? '',
    limitsOf(schema),
    schema.default === undefined ? '' : `Default: \`${JSON.stringify(schema.default)}\`.`,
    ...(schema['x-kubernetes-validations'] === undefined ? [] : [rules(schema['x-kubernetes-validations'])]),
  ]
    .filter((part) => part !== '')
    .map((part) => part.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;'))
    .join(' ');

const limitsOf = ({ minimum, maximum, maxItems, pattern }: StructuralSchema): string =>
  [
    minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}.` : '',
    minimum !== undefined && maximum === undefined ? `At least ${minimum}.` : '',
    maxItems === undefined ? '' : `At most ${maxItems}.`,
    pattern === undefined ? '' : `Matches \`${pattern}\`.`,
  ]
    .filter((part) => part !== '')
    .join(' ');

const rules = (all: readonly CelRule[]): string => all.map(({ message }) => `Rule: ${message}.`).join(' ');

const codes = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');
