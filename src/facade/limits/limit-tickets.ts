import type { FacadeDependencies } from '../dependencies.ts';
import { type ProblemError, problemError } from '../problem.ts';
import { networkOf } from './client-network.ts';
import { rateLimited } from './rate-limit-headers.ts';
import type { RatePolicy } from './rate-limiter.ts';

/** For each sandbox: a ticket is for a page that a person opens. */
const ISSUED: RatePolicy = { name: 'tickets', perSecond: 1, burst: 60 };
/** As with wrong keys. A page that is left open with a ticket that has expired asks again and again. */
const REFUSED: RatePolicy = { name: 'failed-authentication', perSecond: 0.5, burst: 20 };

type LimitDependencies = Pick<FacadeDependencies, 'rateLimiter'>;

/** Counts one ticket for a sandbox. Throws the 429. */
export const limitIssuedTickets = ({ rateLimiter }: LimitDependencies, sandboxUid: string): void => {
  const verdict = rateLimiter.take(`tickets/${sandboxUid}`, ISSUED);
  if (verdict.allowed) return;
  throw rateLimited(
    ISSUED,
    verdict,
    `Too many tickets were asked for: a sandbox gives ${ISSUED.perSecond} a second on average and ${ISSUED.burst} at once; ` +
      'one is good for any number of requests until it expires',
  );
};

/**
 * Counts a ticket that is none, against the address it came from; what to answer. A right one is let in from there all
 * the same: it cannot be guessed, and the mistakes of one client lock out nobody behind the same address.
 */
export const refusedTicket = ({ rateLimiter }: LimitDependencies, clientIp: string, detail: string): ProblemError => {
  const verdict = rateLimiter.take(`refused-tickets/${networkOf(clientIp)}`, REFUSED);
  return verdict.allowed
    ? problemError('invalid-ticket', detail)
    : rateLimited(REFUSED, verdict, 'Too many requests with a wrong ticket came from this address; try later');
};
