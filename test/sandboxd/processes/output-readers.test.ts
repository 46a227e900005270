import { describe, expect, test } from '@jest/globals';
import { makeOutputReaders } from '../../../src/sandboxd/processes/output-readers.ts';

const LINGER = { aloneMs: 60_000, besideOthersMs: 5000 };

describe('the readers of an output', () => {
  test('keep what the slowest of them has not acknowledged', () => {
    const readers = makeOutputReaders(LINGER, 0);
    const fast = readers.enter(0, 0);
    const slow = readers.enter(0, 0);
    fast.acknowledged = 100;
    slow.acknowledged = 10;
    expect(readers.keepFrom(1)).toBe(10);
  });

  test('are waited for before the first has come, for a while', () => {
    const readers = makeOutputReaders(LINGER, 1000);
    expect(readers.keepFrom(60_999)).toBe(0);
    expect(readers.keepFrom(61_000)).toBeUndefined();
  });

  test('of a background process are waited for only while they are there', () => {
    const readers = makeOutputReaders(LINGER, undefined);
    expect(readers.keepFrom(0)).toBeUndefined();
    const reader = readers.enter(0, 0);
    expect(readers.keepFrom(0)).toBe(0);
    readers.finish(reader);
    expect(readers.keepFrom(0)).toBeUndefined();
  });

  test('are waited for when they have gone, at the last byte they acknowledged', () => {
    const readers = makeOutputReaders(LINGER, 0);
    const reader = readers.enter(0, 0);
    Object.assign(reader, { acknowledged: 50, sent: 500 });
    readers.leave(reader, 1000);
    expect(readers.keepFrom(60_999)).toBe(50);
    expect(readers.keepFrom(61_000)).toBeUndefined();
  });

  test('wait for one another only a short time', () => {
    const readers = makeOutputReaders(LINGER, 0);
    const gone = readers.enter(0, 0);
    const present = readers.enter(0, 0);
    Object.assign(present, { acknowledged: 300, sent: 300 });
    readers.leave(gone, 1000);
    expect(readers.keepFrom(5999)).toBe(0);
    expect(readers.keepFrom(6000)).toBe(300);
  });

  test('take their own place again when they come back', () => {
    const readers = makeOutputReaders(LINGER, 0);
    const reader = readers.enter(0, 0);
    Object.assign(reader, { acknowledged: 50, sent: 500 });
    readers.leave(reader, 1000);
    const again = readers.enter(200, 2000);
    expect(readers.keepFrom(3000)).toBe(200);
    readers.finish(again);
    expect(readers.keepFrom(3000)).toBeUndefined();
  });

  test('that know no cursor go on where the last one stopped, or with what comes', () => {
    const readers = makeOutputReaders(LINGER, 0);
    expect(readers.liveCursor(900)).toBe(0);
    const reader = readers.enter(0, 0);
    reader.sent = 500;
    expect(readers.liveCursor(900)).toBe(900);
    readers.leave(reader, 1000);
    expect(readers.liveCursor(900)).toBe(500);
  });
});
