import { expect, test } from '@jest/globals';
import { percentile, summarize } from './statistics.ts';

test('a percentile lies between the two nearest samples', () => {
  expect(percentile([4, 1, 3, 2], 50)).toBe(2.5);
  expect(percentile([10, 20, 30, 40, 50], 95)).toBeCloseTo(48);
  expect(percentile([1, 2, 3], 0)).toBe(1);
  expect(percentile([1, 2, 3], 100)).toBe(3);
});

test('numbers are ordered as numbers', () => {
  expect(percentile([100, 9, 20], 50)).toBe(20);
});

test('one sample is every percentile', () => {
  expect(summarize([7])).toEqual({ n: 1, p50: 7, p95: 7 });
});

test('no sample and a percentile out of range are errors', () => {
  expect(() => percentile([], 50)).toThrow(RangeError);
  expect(() => percentile([1], 101)).toThrow(RangeError);
  expect(() => percentile([1], Number.NaN)).toThrow(RangeError);
});
