import { callerName, type Caller } from '../caller.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { problemError } from '../problem.ts';
import type { RequestState } from '../request-state.ts';
import type { Ticket } from '../ticket.ts';

/**
 * The state of a request that a ticket let in. What the request has under way ends with the ticket, however long it
 * would go on: leave for five minutes is not leave for an evening to whoever keeps a connection open.
 */
export const admitTicket = (
  { clock }: Pick<FacadeDependencies, 'clock'>,
  { sandboxUid, scope, expiresAt }: Ticket,
  state: RequestState,
): RequestState => {
  const caller: Caller = { kind: 'ticket', sandboxUid, scope };
  const expired = new AbortController();
  clock.sleep(expiresAt - clock.now(), state.over).then(
    () => expired.abort(problemError('invalid-ticket', 'The ticket has expired.')),
    () => undefined,
  );
  return {
    ...state,
    caller,
    signal: AbortSignal.any([state.signal, expired.signal]),
    log: state.log.child({ caller: callerName(caller) }),
  };
};
