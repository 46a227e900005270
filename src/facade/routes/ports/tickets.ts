import { z } from 'zod';
import type { FacadeDependencies } from '../../dependencies.ts';
import { findSandbox } from '../../find-sandbox.ts';
import { limitIssuedTickets } from '../../limits/limit-tickets.ts';
import { protocolOf } from '../../ports/forwarded-headers.ts';
import { previewHost } from '../../ports/preview-host.ts';
import type { FacadeContext } from '../../request-state.ts';
import { route } from '../../route.ts';
import type { TicketScope } from '../../ticket.ts';

const MAX_SECONDS = 3600;
const seconds = z.int().min(1).max(MAX_SECONDS).default(300).describe('How long it is good.');

const TicketRequest = z.discriminatedUnion('scope', [
  z.strictObject({ scope: z.literal('port'), port: z.int().min(1).max(65_535), seconds }),
  z.strictObject({ scope: z.literal('terminal'), seconds }),
]);
type TicketRequest = z.infer<typeof TicketRequest>;

const IssuedTicket = z.object({
  ticket: z.string().describe('For the query, as `ticket`.'),
  url: z.string().describe('What it is for, with the ticket, for a browser.'),
  expires_at: z.string(),
});

export const ticketRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'POST',
    path: '/sandboxes/:id/tickets',
    operationId: 'issueTicket',
    tag: 'ports',
    summary: 'Leave to use one port, or a terminal, for a short time without a key',
    description:
      'For a browser, which cannot send a key: whoever has the address can use that one thing of that one sandbox until ' +
      'it expires, and what it opened ends then. It cannot be taken back. A sandbox gives 60 at once and one a second.',
    access: { kind: 'scope', scope: 'exec' },
    body: TicketRequest,
    responses: { 201: { description: 'The ticket.', schema: IssuedTicket } },
    problems: ['not-found'],
    handle: async (context, { params: { id = '' }, body }) => {
      const { tickets, clock, settings } = dependencies;
      const { metadata } = await findSandbox(dependencies, id, context.state);
      limitIssuedTickets(dependencies, metadata.uid ?? '');
      const expiresAt = Math.floor(clock.now() / 1000 + body.seconds) * 1000;
      const scope: TicketScope = body.scope === 'port' ? `port:${body.port}` : 'terminal';
      const ticket = tickets.issue({ sandboxUid: metadata.uid ?? '', scope, expiresAt });
      context.status = 201;
      context.body = {
        ticket,
        url: `${addressOf(context, id, body, settings.previewDomain)}?ticket=${ticket}`,
        expires_at: new Date(expiresAt).toISOString(),
      };
    },
  });

const addressOf = (
  context: FacadeContext,
  sandbox: string,
  asked: TicketRequest,
  domain: string | undefined,
): string => {
  const here = `${protocolOf(context.get('x-forwarded-proto'))}://${context.get('host')}/sandboxes/${sandbox}`;
  if (asked.scope === 'terminal') return `${here}/terminal`;
  const host = domain === undefined ? undefined : previewHost({ sandbox, port: asked.port }, domain);
  if (host === undefined) return `${here}/ports/${asked.port}/`;
  return `${isLocal(host) ? 'http' : 'https'}://${host}/`;
};

/** Browsers trust these without TLS, and there is none. */
const isLocal = (host: string): boolean => /(^|\.)localhost(:\d+)?$/.test(host);
