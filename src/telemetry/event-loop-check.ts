import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { HealthCheck } from '../runtime/health.ts';

export interface EventLoopCheck extends HealthCheck {
  readonly stop: () => void;
}

/**
 * Fails when the event loop was blocked for longer than `maxLagMs` between two checks, twice in a row: one long pause (a large
 * list, a slow disk at start) is no reason to be restarted, a process that hardly runs is.
 */
export const makeEventLoopCheck = (maxLagMs = 5000): EventLoopCheck => {
  const delay = monitorEventLoopDelay({ resolution: 100 });
  delay.enable();
  return { ...makeLagCheck(maxLagMs, () => takeMax(delay)), stop: () => void delay.disable() };
};

/** The decision, apart from the measurement. `takeLagMs` is the longest block since it was asked last. */
export const makeLagCheck = (maxLagMs: number, takeLagMs: () => number): HealthCheck => {
  let slow = 0;
  return {
    name: 'event loop',
    check: () => {
      const lagMs = Math.round(takeLagMs());
      slow = lagMs > maxLagMs ? slow + 1 : 0;
      return { ok: slow < 2, message: `blocked for at most ${lagMs} ms since the last check` };
    },
  };
};

const takeMax = (delay: ReturnType<typeof monitorEventLoopDelay>): number => {
  const ms = delay.max / 1e6;
  delay.reset();
  return ms;
};
