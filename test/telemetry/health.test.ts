import { describe, expect, it } from '@jest/globals';
import { makeEventLoopCheck, makeLagCheck } from '../../src/telemetry/event-loop-check.ts';
import { healthReport } from '../../src/telemetry/health-report.ts';

describe('event loop check', () => {
  it('fails only when the loop was blocked before two checks in a row', () => {
    const lags = [10, 9000, 20, 6000, 7000, 30];
    const check = makeLagCheck(5000, () => lags.shift() ?? 0);
    expect([...lags].map(() => check.check().ok)).toEqual([true, true, true, true, false, true]);
  });

  it('measures the real loop and can be stopped', () => {
    const check = makeEventLoopCheck();
    expect(check.check().ok).toBe(true);
    check.stop();
  });
});

describe('health report', () => {
  it('counts a check that throws as failed', () => {
    const broken = {
      name: 'broken',
      check: (): never => {
        throw new Error('oops');
      },
    };
    expect(healthReport([broken], false)).toEqual({
      ok: false,
      text: '[-] broken: the check itself failed: Error: oops\nnot ok\n',
    });
  });
});
