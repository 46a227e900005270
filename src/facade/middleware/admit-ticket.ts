import { callerName, type Caller } from '../caller.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { limitCaller } from '../limits/limit-caller.ts';
import { problemError } from '../problem.ts';
import type { RequestState } from '../request-state.ts';
import type { Ticket } from '../ticket.ts';
import type { Admission } from './admission.ts';
import { expirySignal } from './expiry-signal.ts';

/**
 * Lets a request in with a ticket, as one of those that its holder may make. Throws the 429. What the request has under way ends with the ticket, however long it
 * would go on: leave for five minutes is not leave for an evening to whoever keeps a connection open.
 */
export const admitTicket = (
  { clock, rateLimiter }: Pick<FacadeDependencies, 'clock' | 'rateLimiter'>,
  { sandboxUid, scope, expiresAt }: Ticket,
  state: RequestState,
): Admission => {
  const caller: Caller = { kind: 'ticket', sandboxUid, scope };
  const headers = limitCaller({ rateLimiter }, caller, state.clientIp);
  const expired = expirySignal(clock, expiresAt, state.over, () =>
    problemError('invalid-ticket', 'The ticket has expired.'),
  );
  const signal = AbortSignal.any([state.signal, expired]);
  return { state: { ...state, caller, signal, log: state.log.child({ caller: callerName(caller) }) }, headers };
};
