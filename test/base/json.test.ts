import { expect, it } from '@jest/globals';
import { canonicalJson } from '../../src/base/json.ts';

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
