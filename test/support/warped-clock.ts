import { setMaxListeners } from 'node:events';
import { type Clock, systemClock } from '../../src/base/clock.ts';

/** Real time, but faster, ahead, or moved on at a stroke: for what waits for minutes beside a server that does not. */
export interface WarpedClock extends Clock {
  /** Moves time on; whoever would have woken meanwhile wakes now. */
  readonly jump: (ms: number) => void;
}

/** `rate`: how many milliseconds pass in one. `skewMs`: how far the wall clock is ahead. */
export const makeWarpedClock = ({ rate = 1, skewMs = 0 } = {}): WarpedClock => {
  const startWall = systemClock.now();
  const start = systemClock.monotonic();
  const jumped = new EventTarget();
  setMaxListeners(0, jumped);
  let ahead = 0;
  const monotonic = (): number => (systemClock.monotonic() - start) * rate + ahead;

  const nap = async (ms: number, signal: AbortSignal | undefined): Promise<void> => {
    const jump = new AbortController();
    const onJump = (): void => jump.abort();
    jumped.addEventListener('jump', onJump, { once: true });
    const either = signal === undefined ? jump.signal : AbortSignal.any([jump.signal, signal]);
    try {
      await systemClock.sleep(ms / rate, either);
    } catch (error) {
      signal?.throwIfAborted();
      if (!jump.signal.aborted) throw error;
    } finally {
      jumped.removeEventListener('jump', onJump);
    }
  };

  return {
    now: () => startWall + skewMs + monotonic(),
    monotonic,
    sleep: async (ms, signal) => {
      const wakeAt = monotonic() + ms;
      do await nap(Math.max(0, wakeAt - monotonic()), signal);
      while (monotonic() < wakeAt);
    },
    jump: (ms) => {
      ahead += ms;
      jumped.dispatchEvent(new Event('jump'));
    },
  };
};

/** Lets time go by in steps, with a moment after each for what it has set off to reach the network. */
export const passTime = async (clock: WarpedClock, ms: number, stepMs: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.jump(stepMs);
    await systemClock.sleep(MOMENT_MS);
  }
};

const MOMENT_MS = 15;
