import { describe, expect, test } from '@jest/globals';
import { bytesOf, isMore } from '../../src/base/quantity.ts';

describe('a quantity', () => {
  test.each([
    ['2', '1500m'],
    [2, '1999m'],
    ['0.3', '299m'],
    ['1Gi', '1G'],
    ['1.1Gi', '1Gi'],
    ['1Ti', '1023Gi'],
  ])('of %s is more than %s, and not the other way round', (more, less) => {
    expect(isMore(more, less)).toBe(true);
    expect(isMore(less, more)).toBe(false);
  });

  test.each([
    [2, '2'],
    ['500m', '0.5'],
    ['1024Mi', '1Gi'],
    ['0.1', '100m'],
  ])('of %s is not more than %s, which is the same', (one, other) => {
    expect([isMore(one, other), isMore(other, one)]).toEqual([false, false]);
  });

  test('is so many whole bytes', () => {
    expect([bytesOf('20Gi'), bytesOf('1.5k'), bytesOf(7), bytesOf('1m')]).toEqual([20 * 2 ** 30, 1500, 7, 1]);
  });

  test.each(['', 'Gi', '1 Gi', '-1', '1e3', '1Xi'])('is not %j', (text) => {
    expect(() => bytesOf(text)).toThrow(RangeError);
  });
});
