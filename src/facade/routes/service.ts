import { z } from 'zod';
import type { FacadeDependencies } from '../dependencies.ts';
import { type Route, route } from '../route.ts';
import { isActive, sandboxState } from '../sandbox-status.ts';

/** What the service says of itself: open to everyone, so no more than a name and a number. */
export const serviceRoutes = ({
  version,
  cache,
  clock,
}: Pick<FacadeDependencies, 'version' | 'cache' | 'clock'>): readonly Route[] => {
  const startedAt = clock.monotonic();
  return [
    route({
      method: 'GET',
      path: '/',
      operationId: 'getService',
      tag: 'service',
      summary: 'What this service is',
      access: { kind: 'open' },
      responses: {
        200: {
          description: 'Its name and version, and where its documentation is.',
          schema: z.object({ service: z.string(), version: z.string(), docs: z.string() }),
        },
      },
      handle: (context) => {
        context.body = { service: 'matrx-sandbox-orchestrator', version, docs: '/docs' };
      },
    }),
    route({
      method: 'GET',
      path: '/health',
      operationId: 'getHealth',
      tag: 'service',
      summary: 'Whether it works, and how many sandboxes are active',
      access: { kind: 'open' },
      responses: {
        200: {
          description: 'It works.',
          schema: z.object({
            status: z.literal('healthy'),
            active_sandboxes: z.int().min(0).describe('Those that start, are ready or run.'),
            uptime_seconds: z.number().min(0),
          }),
        },
      },
      handle: (context) => {
        context.body = {
          status: 'healthy',
          active_sandboxes: cache.list().filter((sandbox) => isActive(sandboxState(sandbox))).length,
          uptime_seconds: Math.round((clock.monotonic() - startedAt) / 100) / 10,
        };
      },
    }),
  ];
};
