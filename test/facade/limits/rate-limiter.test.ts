import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { rateLimitHeaders } from '../../../src/facade/limits/rate-limit-headers.ts';
import { makeRateLimiter, type RatePolicy } from '../../../src/facade/limits/rate-limiter.ts';
import { makeVirtualClock } from '../../support/virtual-clock.ts';

const POLICY: RatePolicy = { name: 'key', perSecond: 2, burst: 4 };

describe('a rate limit', () => {
  it('allows the burst at once, then one more whenever one is due', async () => {
    const clock = makeVirtualClock();
    const limiter = makeRateLimiter(clock);
    const take = () => limiter.take('a', POLICY);
    expect([take(), take(), take(), take()].map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
      [true, 3],
      [true, 2],
      [true, 1],
      [true, 0],
    ]);
    expect(take()).toEqual({ allowed: false, remaining: 0, resetMs: 500 });
    await clock.advance(499);
    expect(take()).toMatchObject({ allowed: false, resetMs: 1 });
    await clock.advance(1);
    expect(take()).toMatchObject({ allowed: true, remaining: 0 });
    await clock.advance(60_000);
    expect(take()).toEqual({ allowed: true, remaining: 3, resetMs: 500 });
  });

  it('counts each subject on its own, and nothing for a look', () => {
    const limiter = makeRateLimiter(makeVirtualClock());
    for (let n = 0; n < 4; n++) limiter.take('a', POLICY);
    expect(limiter.take('a', POLICY).allowed).toBe(false);
    for (let n = 0; n < 9; n++) expect(limiter.peek('b', POLICY).remaining).toBe(3);
    expect(limiter.take('b', POLICY).allowed).toBe(true);
  });

  it('never allows more than the burst and what has become due since, whatever comes when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          perSecond: fc.double({ min: 0.1, max: 500, noNaN: true }),
          burst: fc.integer({ min: 1, max: 50 }),
        }),
        fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 60 }),
        async ({ perSecond, burst }, pauses) => {
          const clock = makeVirtualClock();
          const limiter = makeRateLimiter(clock);
          let allowed = 0;
          for (const pause of pauses) {
            await clock.advance(pause);
            if (limiter.take('a', { name: 'key', perSecond, burst }).allowed) allowed++;
          }
          const due = burst + (pauses.reduce((sum, pause) => sum + pause, 0) / 1000) * perSecond;
          expect(allowed).toBeLessThanOrEqual(Math.floor(due + 1e-3));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('keeps no more subjects than it may, and forgets the full ones first', async () => {
    const clock = makeVirtualClock();
    const limiter = makeRateLimiter(clock, 3);
    limiter.take('old', POLICY);
    await clock.advance(1000);
    for (let n = 0; n < 4; n++) limiter.take('busy', POLICY);
    for (const subject of ['x', 'y']) limiter.take(subject, POLICY);
    expect(limiter.take('busy', POLICY).allowed).toBe(false);
    // All three are in use now: the longest known goes.
    limiter.take('z', POLICY);
    expect(limiter.take('busy', POLICY).allowed).toBe(true);
  });
});

describe('the headers of a rate limit', () => {
  it.each([
    [
      { name: 'key', perSecond: 50, burst: 100 },
      { allowed: true, remaining: 99, resetMs: 20 },
      '"key";q=100;w=2',
      '"key";r=99;t=1',
    ],
    [
      { name: 'key', perSecond: 0.5, burst: 3 },
      { allowed: false, remaining: 0, resetMs: 1999 },
      '"key";q=3;w=6',
      '"key";r=0;t=2',
    ],
    [
      { name: 'key', perSecond: 50, burst: 1 },
      { allowed: true, remaining: 0, resetMs: 20 },
      '"key";q=1;w=1',
      '"key";r=0;t=1',
    ],
  ])('are as the draft wants them: %j, %j', (policy, verdict, policyHeader, header) => {
    expect(rateLimitHeaders(policy, verdict)).toEqual({ 'RateLimit-Policy': policyHeader, RateLimit: header });
  });
});
