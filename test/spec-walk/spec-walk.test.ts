import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Json } from '../../src/base/json.ts';
import { allFields, type Field } from '../support/spec-walk/fields.ts';
import { invalidValues, limits, TELLING_VALUES, tellingValues, validValue } from '../support/spec-walk/values.ts';
import type { Base } from './bases.ts';
import { type Change, type Outcome, walk } from './walk.ts';

const FIELDS = allFields();
/** From the second spec, the limits of the schema are no news. */
const valuesOf = (field: Field, base: Base): readonly (Json | undefined)[] => {
  const [telling, drawn] = [tellingValues(field), limits(field.schema)];
  const more = base === 'minimal' ? drawn : telling.length === 0 ? drawn.slice(0, 1) : [];
  return [...more, ...telling, undefined, ...invalidValues(field)];
};
const nameOf = ({ kind, path }: Field): string => `${kind} ${path}`;

describe.each<Base>(['minimal', 'full'])('of a Sandbox that runs, from a %s spec', (base) => {
  test.each(FIELDS.map((field) => [nameOf(field), field] as const))(
    '%s is changed to each value that tells something',
    async (_name, field) => {
      const outcomes: Outcome[] = [];
      for (const value of valuesOf(field, base)) outcomes.push(await walk([{ field, value }], base));
      expect(outcomes).toContain('refused');
    },
  );
});

test.each<[Outcome, string, Json]>([
  ['refused', 'Sandbox spec.userId', 'bob'],
  ['unchanged', 'Sandbox spec.desiredState', 'Running'],
  ['Current', 'Sandbox spec.env[].name', 'COLOR'],
  ['Current', 'Sandbox spec.desiredState', 'Suspended'],
  ['Stalled', 'Sandbox spec.restartPolicy', 'Never'],
  ['Stalled', 'Sandbox spec.image', 'example/missing:1'],
  ['Stalled', 'Sandbox spec.resources.limits.memory', '1Mi'],
  ['Stalled', 'Sandbox spec.resources.limits.ephemeral-storage', '1Ki'],
  ['Stalled', 'Workspace spec.restore.sequence', 999],
  ['Stalled', 'SandboxTemplate spec.runtimeClassName', 'missing'],
  ['Stalled', 'SandboxTemplate spec.security.sudo', true],
])('a walk comes out as %s: %s is %j', async (outcome, name, value) => {
  const field = FIELDS.find((one) => nameOf(one) === name);
  expect(field === undefined ? 'no such field' : await walk([{ field, value }])).toBe(outcome);
});

test('what is told apart by hand is in the schema', () => {
  expect(FIELDS.map(nameOf)).toEqual(expect.arrayContaining(Object.keys(TELLING_VALUES)));
});

const change: fc.Arbitrary<Change> = fc.constantFrom(...FIELDS).chain((field) =>
  fc.record({
    field: fc.constant(field),
    value: fc.oneof({ weight: 6, arbitrary: validValue(field) }, { weight: 1, arbitrary: fc.constant(undefined) }),
  }),
);

test('of a Sandbox that runs, any one or two fields are changed at random', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 2 }),
      fc.constantFrom<Base>('minimal', 'full'),
      async (changes, base) => {
        await walk(changes, base);
      },
    ),
    { numRuns: 40 },
  );
});
