import { z } from 'zod';
import type { FacadeDependencies } from '../../dependencies.ts';
import { findSandbox } from '../../find-sandbox.ts';
import { wholeNumber } from '../../query-parameters.ts';
import { route } from '../../route.ts';
import { SandboxEvent, sandboxEvents } from '../../sandbox-events.ts';

const DEFAULT_LIMIT = 100;

export const eventsRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'GET',
    path: '/sandboxes/:id/events',
    operationId: 'listSandboxEvents',
    tag: 'observe',
    summary: 'What happened to a sandbox',
    description: 'The events of the Sandbox and of its pod, the newest last. Kubernetes keeps them for an hour.',
    access: { kind: 'scope', scope: 'sandboxes:read' },
    query: z.object({
      limit: wholeNumber(1, 1000).optional().describe(`The newest so many; ${DEFAULT_LIMIT} unless given.`),
    }),
    responses: { 200: { description: 'The events.', schema: z.object({ events: z.array(SandboxEvent) }) } },
    problems: ['not-found'],
    handle: async (context, { params: { id = '' }, query: { limit = DEFAULT_LIMIT } }) => {
      const sandbox = await findSandbox(dependencies, id, context.state);
      const events = await sandboxEvents(dependencies, sandbox, context.state.signal);
      context.body = { events: events.slice(-limit) };
    },
  });
