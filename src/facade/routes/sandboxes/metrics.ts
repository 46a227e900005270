import { json } from 'node:stream/consumers';
import { z } from 'zod';
import type { DaemonMetrics } from '../../../sandboxd/protocol/metrics.ts';
import { NO_ACTIVITY } from '../../activity/activity.ts';
import { askDaemon } from '../../daemon/find-daemon.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { Time } from '../../representation.ts';
import { route } from '../../route.ts';

const Metrics = z
  .object({
    at: Time,
    cpu_seconds: z.number().min(0).describe('Seconds of one core since the sandbox started.'),
    cpu_limit: z.number().nullable().describe('Cores that it may use; null where there is no limit.'),
    memory_bytes: z.number().min(0),
    memory_limit_bytes: z.number().nullable(),
    disk_used_bytes: z.number().min(0).describe('Of the file system the home is on.'),
    disk_total_bytes: z.number().min(0),
    processes: z.int().min(0),
  })
  .meta({ id: 'SandboxMetrics' });

export const metricsRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'GET',
    path: '/sandboxes/:id/metrics',
    operationId: 'getSandboxMetrics',
    tag: 'observe',
    summary: 'What a sandbox uses',
    access: { kind: 'scope', scope: 'sandboxes:read', self: true },
    responses: { 200: { description: 'What it uses now.', schema: Metrics } },
    problems: ['not-found', 'bad-request', 'sandbox-not-running', 'sandbox-unreachable'],
    handle: async (context, { params: { id = '' } }) => {
      const { daemons } = dependencies;
      const { signal } = context.state;
      // Whoever looks at it does not use it: a dashboard keeps no sandbox from being idle.
      const unused = { ...dependencies, activity: NO_ACTIVITY };
      const metrics = await askDaemon(unused, id, context.state, async (target) => {
        const answer = await daemons.request(target, { method: 'GET', path: '/matrx/metrics', signal });
        return (await json(answer)) as DaemonMetrics;
      });
      context.body = {
        at: metrics.at,
        cpu_seconds: metrics.cpuSeconds,
        cpu_limit: metrics.cpuLimit,
        memory_bytes: metrics.memoryBytes,
        memory_limit_bytes: metrics.memoryLimitBytes,
        disk_used_bytes: metrics.diskUsedBytes,
        disk_total_bytes: metrics.diskTotalBytes,
        processes: metrics.processes,
      };
    },
  });
