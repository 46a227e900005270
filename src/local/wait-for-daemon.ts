import type { Local } from './local.ts';
import { waitFor, type WaitOptions } from './wait.ts';

/**
 * Waits until `check` gives something, as `waitFor` does, but gives up as soon as one of the daemons that must answer
 * has ended: waiting would not bring it back, and its log says why.
 */
export const waitForDaemon = async <T>(
  local: Local,
  names: readonly string[],
  check: () => Promise<T | undefined>,
  options: Omit<WaitOptions, 'clock'>,
): Promise<T> => {
  const ended = new AbortController();
  const checkAll = async (): Promise<T | undefined> => {
    for (const name of names) {
      if (await local.daemons.isAlive(name)) continue;
      ended.abort(new Error(`${name} has ended: its log ${local.daemons.logOf(name)} says why`));
    }
    return check();
  };
  const signals = [ended.signal, options.signal].filter((signal) => signal !== undefined);
  return waitFor(checkAll, { ...options, clock: local.clock, signal: AbortSignal.any(signals) });
};
