import { type Condition, findCondition } from '../api/condition.ts';
import { rfc3339 } from '../base/clock.ts';
import { shortened } from '../base/shortened.ts';
import type { Verdict } from './step.ts';

/** The API server refuses longer ones; messages of others are passed on in ours. */
const MAX_MESSAGE = 2_048;

/**
 * A condition with its times: `lastTransitionTime` is kept from `before` unless the status has changed.
 * `now` is milliseconds since the epoch.
 */
export const condition = (
  type: string,
  verdict: Verdict,
  before: readonly Condition[] | undefined,
  observedGeneration: number,
  now: number,
): Condition => {
  const last = findCondition(before, type);
  return {
    type,
    status: verdict.status,
    reason: verdict.reason,
    message: shortened(verdict.message, MAX_MESSAGE),
    lastTransitionTime: last?.status === verdict.status ? last.lastTransitionTime : rfc3339(now),
    observedGeneration,
  };
};
