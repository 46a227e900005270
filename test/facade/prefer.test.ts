import { describe, expect, it } from '@jest/globals';
import { parsePrefer } from '../../src/facade/prefer.ts';

describe('Prefer', () => {
  it.each([
    [undefined, { async: false }],
    ['', { async: false }],
    ['respond-async', { async: true }],
    ['Respond-Async, wait=10', { async: true, wait: 10 }],
    ['wait = 5', { async: false, wait: 5 }],
    ['wait="5"; x=1', { async: false, wait: 5 }],
    ['handling=strict, wait=0', { async: false, wait: 0 }],
    ['wait=5, wait=9', { async: false, wait: 5 }],
    ['wait=100000', { async: false, wait: 600 }],
    ['wait=-1', { async: false }],
    ['wait=soon', { async: false }],
    ['wait', { async: false }],
  ])('%j', (header, preference) => {
    expect(parsePrefer(header)).toEqual(preference);
  });
});
