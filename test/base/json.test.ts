import { expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { canonicalJson, sameJson } from '../../src/base/json.ts';

it('is the same for equal values, whatever order their keys came in, and JSON of the value', () => {
  const value = { b: [{ d: 1, c: undefined }, null, 'x'], a: { z: true, 10: 'ten', 9: 'nine' } };
  const other = { a: { 9: 'nine', z: true, 10: 'ten' }, b: [{ d: 1 }, null, 'x'] };
  expect(canonicalJson(value)).toBe(canonicalJson(other));
  expect(canonicalJson(value)).toBe('{"a":{"9":"nine","10":"ten","z":true},"b":[{"d":1},null,"x"]}');
  expect(canonicalJson([...other.b].reverse())).not.toBe(canonicalJson(other.b));
});

it('keeps a key that means something to JavaScript', () => {
  const value: unknown = JSON.parse('{"b":1,"__proto__":{"d":2,"c":3}}');
  expect(canonicalJson(value)).toBe('{"__proto__":{"c":3,"d":2},"b":1}');
});

const backwards = (value: unknown): unknown => {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(backwards);
  const entries = Object.entries(value).reverse();
  return Object.fromEntries([
    ...entries.map(([key, inner]) => [key, backwards(inner)] as const),
    ['absent', undefined],
  ]);
};

it('finds two values the same exactly where their sorted JSON is', () => {
  // Of few letters, so that many pairs are the same, or all but.
  const key = fc.constantFrom('a', 'b', '__proto__');
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, 0, 1, '', 'a', false),
      fc.array(tie('tree'), { maxLength: 2 }),
      fc.array(fc.tuple(key, tie('tree')), { maxLength: 2 }).map((entries): unknown => Object.fromEntries(entries)),
    ),
  }));
  fc.assert(
    fc.property(tree, tree, (a, b) => {
      expect(sameJson(a, b)).toBe(canonicalJson(a) === canonicalJson(b));
      expect(sameJson(a, backwards(a))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

it('tells a key without a value, which is none, from one that is null, and a list from an object', () => {
  expect(sameJson({ a: undefined, b: 1 }, { b: 1 })).toBe(true);
  expect(sameJson({ a: null }, {})).toBe(false);
  expect(sameJson({ a: undefined }, { b: undefined })).toBe(true);
  expect(sameJson({ b: undefined, a: 1 }, { b: 1, a: undefined })).toBe(false);
  expect(sameJson([], {})).toBe(false);
  expect(sameJson(['a'], { 0: 'a' })).toBe(false);
});
