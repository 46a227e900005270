import type { IncomingMessage } from 'node:http';
import { requireAccess } from '../access.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { keyInHeader } from '../key-header.ts';
import { refusedTicket } from '../limits/limit-tickets.ts';
import { admitTicket } from '../middleware/admit-ticket.ts';
import { admit } from '../middleware/authenticate.ts';
import { problemError } from '../problem.ts';
import type { RequestState } from '../request-state.ts';
import type { Access } from '../route.ts';
import type { Ticket } from '../ticket.ts';
import { readPreviewCookie } from './preview-cookie.ts';
import type { PortOfSandbox } from './preview-host.ts';

/** Of whoever wants to reach a port; `port` is in the parameters. */
export const PORT_ACCESS: Access = {
  kind: 'scope',
  scope: 'exec',
  ticket: ({ port }) => `port:${Number(port)}`,
};

export interface PreviewAdmission {
  readonly state: RequestState;
  /** Came in the query, and is good: to be turned into a cookie. */
  readonly given: { readonly text: string; readonly ticket: Ticket } | undefined;
}

/**
 * Who asks a preview on its own host: by a ticket, in the query or in a cookie, or by a key in this API's own header.
 * `Authorization` is the sandbox's there. Throws 401, 403 and 429.
 */
export const admitToPreview = async (
  dependencies: FacadeDependencies,
  request: IncomingMessage,
  { sandbox, port }: PortOfSandbox,
  state: RequestState,
): Promise<PreviewAdmission> => {
  const { tickets, authenticator, settings } = dependencies;
  const params = { id: sandbox, port: String(port) };
  if (authenticator === undefined || keyInHeader(request, settings.apiKeyHeader) !== '') {
    const admitted = await admit(dependencies, request, 'preview', state);
    requireAccess(PORT_ACCESS, admitted.state.caller, params);
    return { state: admitted.state, given: undefined };
  }
  const text = ticketInQuery(request.url ?? '/');
  const ticket = text === undefined ? undefined : tickets.read(text);
  const cookie = readPreviewCookie(request.headers.cookie);
  const kept = ticket ?? tickets.read(cookie ?? '');
  if (kept === undefined) {
    const remedy = `ask for one with POST /sandboxes/${sandbox}/tickets`;
    throw text === undefined && cookie === undefined
      ? problemError('missing-ticket', `This preview wants a ticket: ${remedy}`)
      : refusedTicket(dependencies, state.clientIp, `The ticket is not valid, or has expired: ${remedy}`);
  }
  const admitted = admitTicket(dependencies, kept, state);
  requireAccess(PORT_ACCESS, admitted.state.caller, params);
  return {
    state: admitted.state,
    given: ticket === undefined || text === undefined ? undefined : { text, ticket },
  };
};

const ticketInQuery = (url: string): string | undefined => {
  const at = url.indexOf('?');
  return at === -1 ? undefined : (new URLSearchParams(url.slice(at + 1)).get('ticket') ?? undefined);
};
