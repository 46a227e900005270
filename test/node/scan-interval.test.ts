import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { FIRST_RHYTHM, nextRhythm, retryInterval, scanInterval } from '../../src/node/scan-interval.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';

const quick = { scanMs: 1, rpoMs: 10_000 };
const still = { float: () => 0, hex: () => '' };

describe('the time to the next scan', () => {
  test('never exceeds the recovery point objective for a home that is quick to scan', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), fc.nat(), fc.integer({ min: 0, max: 400 }), (scans, seed, scanMs) => {
        const rhythm = scans.reduce(nextRhythm, FIRST_RHYTHM);
        const ms = scanInterval({ rhythm, scanMs, rpoMs: 10_000, random: makeSeededRandom(seed) });
        expect(ms).toBeLessThanOrEqual(10_000);
        expect(ms).toBeGreaterThan(0);
      }),
    );
  });

  test('leaves a scan at most a twentieth of the time, however long it takes', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), fc.nat(), fc.nat({ max: 600_000 }), (scans, seed, scanMs) => {
        const rhythm = scans.reduce(nextRhythm, FIRST_RHYTHM);
        const ms = scanInterval({ rhythm, scanMs, rpoMs: 10_000, random: makeSeededRandom(seed) });
        expect(ms).toBeGreaterThanOrEqual(scanMs * 20);
        expect(retryInterval(500, scanMs)).toBeGreaterThanOrEqual(scanMs * 20);
      }),
    );
  });

  test('grows from two seconds to the objective while nothing turns', () => {
    const delays = [0, 1, 2, 3, 4].map((streak) =>
      scanInterval({ rhythm: { busy: true, streak }, ...quick, random: still }),
    );
    expect(delays).toEqual([2000, 4000, 8000, 10_000, 10_000]);
  });

  test('is short again when a quiet home becomes busy, and when a busy one becomes quiet', () => {
    const quiet = { busy: false, streak: 30 };
    expect(nextRhythm(quiet, true)).toEqual({ busy: true, streak: 0 });
    expect(nextRhythm({ busy: true, streak: 4 }, false)).toEqual({ busy: false, streak: 0 });
    expect(nextRhythm(quiet, false).streak).toBe(31);
  });

  test('differs between homes that were opened together', () => {
    const random = makeSeededRandom(1);
    const delays = Array.from({ length: 50 }, () => scanInterval({ rhythm: FIRST_RHYTHM, ...quick, random }));
    expect(new Set(delays).size).toBe(50);
  });
});
