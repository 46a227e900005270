import { makeProblem, ProblemError } from '../problem.ts';
import type { RatePolicy, RateVerdict } from './rate-limiter.ts';

/** RateLimit-Policy and RateLimit, as of draft-ietf-httpapi-ratelimit-headers-10. */
export const rateLimitHeaders = (
  { name, perSecond, burst }: RatePolicy,
  { remaining, resetMs }: RateVerdict,
): Readonly<Record<string, string>> => ({
  'RateLimit-Policy': `"${name}";q=${burst};w=${Math.max(1, Math.ceil(burst / perSecond))}`,
  RateLimit: `"${name}";r=${remaining};t=${wholeSeconds(resetMs)}`,
});

/** The 429 that goes with a verdict. */
export const rateLimited = (policy: RatePolicy, verdict: RateVerdict, detail: string): ProblemError =>
  new ProblemError({
    problem: makeProblem('rate-limited', detail),
    headers: { ...rateLimitHeaders(policy, verdict), 'Retry-After': String(wholeSeconds(verdict.resetMs)) },
  });

const wholeSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
