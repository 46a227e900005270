import { describe, expect, test } from '@jest/globals';
import { countFailure, restartDelayMs } from '../../src/domain/restart-delay.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const failures = (count: number, lastTime = '2026-01-01T12:00:00Z') => ({ count, podUid: 'a', lastTime });

describe('the delay before the next pod', () => {
  test.each([
    [1, 0],
    [2, 10_000],
    [3, 20_000],
    [6, 160_000],
    [7, 300_000],
    [1000, 300_000],
  ])('after %d failures is %d ms', (count, ms) => {
    expect(restartDelayMs(failures(count), NOW)).toBe(ms);
  });

  test('runs out', () => {
    expect(restartDelayMs(failures(2, '2026-01-01T11:59:54Z'), NOW)).toBe(4_000);
    expect(restartDelayMs(failures(2, '2026-01-01T11:00:00Z'), NOW)).toBe(0);
  });

  test('is never longer for a clock that was wrong, nor endless for a time that is none', () => {
    expect(restartDelayMs(failures(2, '2036-01-01T00:00:00Z'), NOW)).toBe(10_000);
    expect(restartDelayMs(failures(2, 'yesterday'), NOW)).toBe(0);
  });
});

describe('failures in a row', () => {
  test('count each pod once', () => {
    const first = countFailure(undefined, { uid: 'a', why: '' }, NOW);
    expect(first).toEqual({ count: 1, podUid: 'a', lastTime: '2026-01-01T12:00:00Z' });
    expect(countFailure({ podFailures: first }, { uid: 'a', why: '' }, NOW + 5_000)).toBe(first);
    expect(countFailure({ podFailures: first }, { uid: 'b', why: '' }, NOW + 5_000)).toMatchObject({
      count: 2,
      podUid: 'b',
    });
  });

  test('start again after ten good minutes', () => {
    const status = { podFailures: failures(5), startedAt: '2026-01-01T11:50:00Z' };
    expect(countFailure(status, { uid: 'b', why: '' }, NOW)).toMatchObject({ count: 1 });
    expect(countFailure({ ...status, startedAt: '2026-01-01T11:50:01Z' }, { uid: 'b', why: '' }, NOW)).toMatchObject({
      count: 6,
    });
  });
});
