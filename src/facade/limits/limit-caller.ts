import { type Caller, callerName } from '../caller.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { rateLimited, rateLimitHeaders } from './rate-limit-headers.ts';
import type { RatePolicy } from './rate-limiter.ts';

/** What a sandbox has to say, heartbeats above all, is little; what runs in it may not drown the rest. */
const SANDBOX_RATE = { perSecond: 5, burst: 20 };

/** Counts one request of the caller; the headers that say what is left. Throws the 429. */
export const limitCaller = (
  { rateLimiter }: Pick<FacadeDependencies, 'rateLimiter'>,
  caller: Caller,
): Readonly<Record<string, string>> => {
  const policy = policyOf(caller);
  if (policy === undefined) return {};
  const verdict = rateLimiter.take(callerName(caller), policy);
  if (verdict.allowed) return rateLimitHeaders(policy, verdict);
  const whose = caller.kind === 'key' ? 'This API key' : 'This sandbox';
  throw rateLimited(
    policy,
    verdict,
    `${whose} has made too many requests: ${policy.perSecond} a second on average and ${policy.burst} at once are taken`,
  );
};

const policyOf = (caller: Caller): RatePolicy | undefined => {
  if (caller.kind === 'sandbox') return { name: 'sandbox', ...SANDBOX_RATE };
  if (caller.kind !== 'key' || caller.limits?.rate === undefined) return undefined;
  return { name: 'key', ...caller.limits.rate };
};
