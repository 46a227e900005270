import { z } from 'zod';
import type { FacadeDependencies } from '../../dependencies.ts';
import { findSandbox } from '../../find-sandbox.ts';
import { route } from '../../route.ts';
import { sandboxState, takesCommands } from '../../sandbox-status.ts';

/**
 * Writes down that it lives, for the controller, who says whether that counts: a heartbeat alone starts nothing. One to a
 * sandbox that does not run is acknowledged and changes nothing.
 */
export const heartbeatRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'POST',
    path: '/sandboxes/:id/heartbeat',
    operationId: 'heartbeat',
    tag: 'sandboxes',
    summary: 'Say that a sandbox is alive',
    description:
      'The sandbox itself may say so, by its own token. Written down every 30 seconds at most, or every quarter of `heartbeat_seconds` or `idle_seconds` where that is shorter.',
    access: { kind: 'scope', scope: 'sandboxes:write', self: true },
    responses: {
      200: { description: 'Heard.', schema: z.object({ acknowledged: z.literal(true), sandbox_id: z.string() }) },
    },
    problems: ['not-found'],
    handle: async (context, { params: { id = '' } }) => {
      const sandbox = await findSandbox(dependencies, id, context.state);
      if (takesCommands(sandboxState(sandbox))) await dependencies.activity.heartbeat(sandbox);
      context.body = { acknowledged: true, sandbox_id: id };
    },
  });
