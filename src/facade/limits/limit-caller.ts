import { type Caller, callerName } from '../caller.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { networkOf } from './client-network.ts';
import { rateLimited, rateLimitHeaders } from './rate-limit-headers.ts';
import type { RatePolicy } from './rate-limiter.ts';

/** What a sandbox has to say, heartbeats above all, is little; what runs in it may not drown the rest. */
const SANDBOX_RATE = { perSecond: 5, burst: 20 };
/** Of each client: a page may be made of a thousand files, and its reloads come quickly. */
const TICKET_RATE = { perSecond: 100, burst: 3000 };

/** Counts one request of the caller; the headers that say what is left. Throws the 429. */
export const limitCaller = (
  { rateLimiter }: Pick<FacadeDependencies, 'rateLimiter'>,
  caller: Caller,
  clientIp: string,
): Readonly<Record<string, string>> => {
  const policy = policyOf(caller);
  if (policy === undefined) return {};
  const verdict = rateLimiter.take(subjectOf(caller, clientIp), policy);
  if (verdict.allowed) return rateLimitHeaders(policy, verdict);
  throw rateLimited(
    policy,
    verdict,
    `${WHOSE[caller.kind]} has made too many requests: ${policy.perSecond} a second on average and ${policy.burst} at once are taken`,
  );
};

const WHOSE: Readonly<Record<Caller['kind'], string>> = {
  anonymous: 'This client',
  key: 'This API key',
  sandbox: 'This sandbox',
  ticket: 'This address, with its ticket,',
};

/** Many people may have the same ticket: each counts alone. */
const subjectOf = (caller: Caller, clientIp: string): string =>
  caller.kind === 'ticket' ? `${callerName(caller)}/${caller.sandboxUid}/${networkOf(clientIp)}` : callerName(caller);

const policyOf = (caller: Caller): RatePolicy | undefined => {
  if (caller.kind === 'sandbox') return { name: 'sandbox', ...SANDBOX_RATE };
  if (caller.kind === 'ticket') return { name: 'ticket', ...TICKET_RATE };
  if (caller.kind !== 'key' || caller.limits?.rate === undefined) return undefined;
  return { name: 'key', ...caller.limits.rate };
};
