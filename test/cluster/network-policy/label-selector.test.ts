import { expect, it } from '@jest/globals';
import { selects } from './label-selector.ts';
import type { LabelSelector } from './objects.ts';

const labels = { app: 'facade', tier: 'front' };
type Operator = NonNullable<LabelSelector['matchExpressions']>[0]['operator'];
const expression = (key: string, operator: Operator, ...values: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, values }],
});

it.each<[string, LabelSelector, boolean]>([
  ['the empty one', {}, true],
  ['labels that are all there', { matchLabels: { app: 'facade', tier: 'front' } }, true],
  ['a label with another value', { matchLabels: { app: 'facade', tier: 'back' } }, false],
  ['In', expression('app', 'In', 'a', 'facade'), true],
  ['In, of a label that is not there', expression('zone', 'In', 'a'), false],
  ['NotIn', expression('app', 'NotIn', 'facade'), false],
  ['NotIn, of a label that is not there', expression('zone', 'NotIn', 'a'), true],
  ['Exists', expression('tier', 'Exists'), true],
  ['Exists, of what every JavaScript object has', expression('constructor', 'Exists'), false],
  ['DoesNotExist', expression('tier', 'DoesNotExist'), false],
  ['an operator that is not known', expression('tier', 'Gt' as Operator, '1'), false],
])('a selector selects as Kubernetes says: %s', (_name, selector, expected) => {
  expect(selects(selector, labels)).toBe(expected);
});
