import type { Clock } from '../../base/clock.ts';

/** What a timer can wait, in milliseconds; no request goes on for that long. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Aborts with `reason()` when `expiresAt` (milliseconds since 1970) comes, unless `over` does before: what somebody may do
 * until then is not to go on because a connection is kept open.
 */
export const expirySignal = (
  clock: Pick<Clock, 'now' | 'sleep'>,
  expiresAt: number,
  over: AbortSignal,
  reason: () => Error,
): AbortSignal => {
  const expired = new AbortController();
  clock.sleep(Math.min(LONGEST_MS, expiresAt - clock.now()), over).then(
    () => expired.abort(reason()),
    () => undefined,
  );
  return expired.signal;
};
