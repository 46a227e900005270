import type { Authenticator } from '../authenticator.ts';
import { networkOf } from './client-network.ts';
import { rateLimited } from './rate-limit-headers.ts';
import type { RateLimiter, RatePolicy } from './rate-limiter.ts';

/** Enough for a person who mistypes and for a client with an old key; a day of guessing is 43,000 tries. */
const FAILURES: RatePolicy = { name: 'failed-authentication', perSecond: 0.5, burst: 20 };

/**
 * Makes guessing slow: an address that has failed too often is refused before its credential is looked at, right or
 * wrong. For credentials that people choose, and as the last of all; keys whose secret part is chance are asked for
 * before, so that one client's mistakes do not lock out the others behind the same address.
 */
export const limitGuesses =
  (authenticate: Authenticator, limiter: RateLimiter): Authenticator =>
  async (credential, signal) => {
    const subject = `failures/${networkOf(credential.clientIp)}`;
    const before = limiter.peek(subject, FAILURES);
    if (!before.allowed) {
      throw rateLimited(FAILURES, before, 'Too many requests with a wrong API key came from this address; try later');
    }
    const caller = await authenticate(credential, signal);
    if (caller === undefined) limiter.take(subject, FAILURES);
    return caller;
  };
