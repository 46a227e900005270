/** A Sandbox that must not come to be. */
export interface MalformedSandbox {
  readonly what: string;
  /** What the refusal has to name. */
  readonly field: string;
  readonly name?: string;
  /** Merged over `{ userId: 'ann' }`; undefined: no spec at all. */
  readonly spec: Readonly<Record<string, unknown>> | undefined;
}

const times = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const container = (requests: object, limits: object = {}): MalformedSandbox['spec'] => ({
  resources: { requests, limits },
});
const env = (...variables: readonly object[]): MalformedSandbox['spec'] => ({ env: variables });

/** Each is refused by the API server alone, by its schema or by a CEL rule. */
export const MALFORMED_SANDBOXES: readonly MalformedSandbox[] = [
  { what: 'has no spec', field: 'spec', spec: undefined },
  { what: 'has no user', field: 'spec.userId', spec: { userId: undefined } },
  { what: 'has an empty user', field: 'spec.userId', spec: { userId: '' } },
  { what: 'has a user with a slash', field: 'spec.userId', spec: { userId: '../bob' } },
  { what: 'has a user with a space', field: 'spec.userId', spec: { userId: 'ann smith' } },
  { what: 'has a user of 256 characters', field: 'spec.userId', spec: { userId: 'a'.repeat(256) } },
  { what: 'has a number for a user', field: 'spec.userId', spec: { userId: 7 } },
  { what: 'has a name with a dot', field: 'metadata.name', name: 'a.b', spec: {} },
  { what: 'has a name of 64 characters', field: 'metadata.name', name: 'a'.repeat(64), spec: {} },
  { what: 'has a name with capitals', field: 'metadata.name', name: 'Demo', spec: {} },
  { what: 'names no template in templateRef', field: 'spec.templateRef.name', spec: { templateRef: {} } },
  { what: 'has an empty template name', field: 'spec.templateRef.name', spec: { templateRef: { name: '' } } },
  {
    what: 'has an impossible template name',
    field: 'spec.templateRef.name',
    spec: { templateRef: { name: 'My_Template' } },
  },
  { what: 'wants an unknown state', field: 'spec.desiredState', spec: { desiredState: 'Paused' } },
  { what: 'has an empty image', field: 'spec.image', spec: { image: '' } },
  { what: 'has a blank image', field: 'spec.image', spec: { image: '   ' } },
  { what: 'has an image with a line break', field: 'spec.image', spec: { image: 'debian:12\n' } },
  { what: 'has an image of 513 characters', field: 'spec.image', spec: { image: 'a'.repeat(513) } },
  {
    what: 'asks for a CPU that is no quantity',
    field: 'spec.resources.requests.cpu',
    spec: container({ cpu: 'lots' }),
  },
  { what: 'asks for negative CPU', field: 'spec.resources.requests.cpu', spec: container({ cpu: -1 }) },
  {
    what: 'asks for memory that is no quantity',
    field: 'spec.resources.limits.memory',
    spec: container({}, { memory: '4GiB' }),
  },
  {
    what: 'asks for more CPU than its limit',
    field: 'spec.resources.requests',
    spec: container({ cpu: 2 }, { cpu: '1500m' }),
  },
  {
    what: 'asks for more memory than its limit',
    field: 'spec.resources.requests',
    spec: container({ memory: '2Gi' }, { memory: '1G' }),
  },
  { what: 'has a variable without a name', field: 'spec.env[0].name', spec: env({ value: 'x' }) },
  {
    what: 'has a variable that starts with a digit',
    field: 'spec.env[0].name',
    spec: env({ name: '1ST', value: 'x' }),
  },
  { what: 'sets SANDBOX_ID itself', field: 'spec.env[0].name', spec: env({ name: 'SANDBOX_ID', value: 'x' }) },
  {
    what: 'sets a KUBERNETES_ variable',
    field: 'spec.env[1].name',
    spec: env({ name: 'A' }, { name: 'KUBERNETES_SERVICE_HOST' }),
  },
  {
    what: 'has a variable twice',
    field: 'spec.env[1]',
    spec: env({ name: 'A', value: '1' }, { name: 'A', value: '2' }),
  },
  { what: 'has 129 variables', field: 'spec.env', spec: env(...times(129, (index) => ({ name: `V${index}` }))) },
  {
    what: 'has a value of 32769 characters',
    field: 'spec.env[0].value',
    spec: env({ name: 'A', value: 'x'.repeat(32_769) }),
  },
  { what: 'has a workspace name with capitals', field: 'spec.workspace.name', spec: { workspace: { name: 'Work' } } },
  {
    what: 'names an ephemeral workspace',
    field: 'spec.workspace.name',
    spec: { workspace: { name: 'work', ephemeral: true } },
  },
  {
    what: 'has a word for a truth value',
    field: 'spec.workspace.ephemeral',
    spec: { workspace: { ephemeral: 'yes' } },
  },
  { what: 'lives for no time', field: 'spec.lifetime.ttlSeconds', spec: { lifetime: { ttlSeconds: 0 } } },
  {
    what: 'lives for more than a year',
    field: 'spec.lifetime.ttlSeconds',
    spec: { lifetime: { ttlSeconds: 31_536_001 } },
  },
  { what: 'lives for a fraction', field: 'spec.lifetime.ttlSeconds', spec: { lifetime: { ttlSeconds: 1.5 } } },
  {
    what: 'is kept for a negative time',
    field: 'spec.lifetime.retainSeconds',
    spec: { lifetime: { retainSeconds: -1 } },
  },
  { what: 'has an unknown end', field: 'spec.lifetime.onExpire', spec: { lifetime: { onExpire: 'Explode' } } },
  { what: 'has a text for a config', field: 'spec.config', spec: { config: 'fast' } },
];
