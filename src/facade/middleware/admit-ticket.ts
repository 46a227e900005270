import { callerName, type Caller } from '../caller.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { limitCaller } from '../limits/limit-caller.ts';
import { problemError } from '../problem.ts';
import type { RequestState } from '../request-state.ts';
import type { Admission } from './admission.ts';
import type { Ticket } from '../ticket.ts';

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
  const expired = new AbortController();
  clock.sleep(expiresAt - clock.now(), state.over).then(
    () => expired.abort(problemError('invalid-ticket', 'The ticket has expired.')),
    () => undefined,
  );
  const signal = AbortSignal.any([state.signal, expired.signal]);
  return { state: { ...state, caller, signal, log: state.log.child({ caller: callerName(caller) }) }, headers };
};
