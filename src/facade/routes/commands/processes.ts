import { z } from 'zod';
import { askDaemon } from '../../daemon/find-daemon.ts';
import type { DaemonProcesses } from '../../daemon/processes.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { IDEMPOTENCY_KEY, idempotencyOf } from '../../idempotency.ts';
import { processIdFor, startedForAnother } from '../../processes/idempotent-start.ts';
import {
  isAnswerTo,
  PROCESS_ID,
  ProcessRequestDescription,
  requireLength,
  startProcess,
  StartProcessRequest,
} from '../../processes/process-request.ts';
import { ProcessRepresentation, representProcess } from '../../processes/process-representation.ts';
import { type Route, route } from '../../route.ts';

type ProcessDependencies = FacadeDependencies & { readonly processes: DaemonProcesses };

const access = { kind: 'scope', scope: 'exec' } as const;
const problems = ['bad-request', 'not-found', 'sandbox-not-running', 'sandbox-unreachable'] as const;

/** Processes that run on by themselves: started, looked at, ended. Their output and input: process-streams.ts. */
export const processRoutes = (dependencies: ProcessDependencies): readonly Route[] => [
  startRoute(dependencies),
  listRoute(dependencies),
  getRoute(dependencies),
  removeRoute(dependencies),
];

const startRoute = (dependencies: ProcessDependencies) =>
  route({
    method: 'POST',
    path: '/sandboxes/:id/processes',
    operationId: 'startProcess',
    tag: 'commands',
    summary: 'Start a process in the background',
    description: ProcessRequestDescription,
    access,
    headers: IDEMPOTENCY_KEY,
    body: StartProcessRequest,
    responses: { 201: { description: 'It runs.', schema: ProcessRepresentation } },
    problems: [...problems, 'too-many-processes', 'idempotency-key-reused'],
    handle: async (context, { params: { id = '' }, body, rawBody }) => {
      const { signal } = context.state;
      requireLength(body.command, dependencies.settings.maxCommandLength);
      const idempotency = idempotencyOf(context, `start process ${id}`, rawBody);
      const processId = processIdFor(idempotency) ?? dependencies.random.hex(16);
      const info = await askDaemon(dependencies, id, context.state, (target) =>
        dependencies.processes.start(target, startProcess(body, processId), signal),
      );
      if (idempotency !== undefined && !isAnswerTo(info, body)) {
        throw startedForAnother('process');
      }
      context.status = 201;
      context.set('Location', `/sandboxes/${id}/processes/${info.id}`);
      context.body = representProcess(info);
    },
  });

const listRoute = (dependencies: ProcessDependencies) =>
  route({
    method: 'GET',
    path: '/sandboxes/:id/processes',
    operationId: 'listProcesses',
    tag: 'commands',
    summary: 'The processes that were started by this API and run, and the last that have ended',
    access,
    responses: {
      200: {
        description: 'The processes.',
        schema: z.object({ processes: z.array(ProcessRepresentation), total: z.int().min(0) }),
      },
    },
    problems,
    handle: async (context, { params: { id = '' } }) => {
      const found = await askDaemon(dependencies, id, context.state, (target) =>
        dependencies.processes.list(target, context.state.signal),
      );
      context.body = { processes: found.map(representProcess), total: found.length };
    },
  });

const getRoute = (dependencies: ProcessDependencies) =>
  route({
    method: 'GET',
    path: '/sandboxes/:id/processes/:pid',
    params: PROCESS_ID,
    operationId: 'getProcess',
    tag: 'commands',
    summary: 'One process',
    access,
    responses: { 200: { description: 'The process.', schema: ProcessRepresentation } },
    problems,
    handle: async (context, { params: { id = '', pid = '' } }) => {
      const info = await askDaemon(dependencies, id, context.state, (target) =>
        dependencies.processes.get(target, pid, context.state.signal),
      );
      context.body = representProcess(info);
    },
  });

const removeRoute = (dependencies: ProcessDependencies) =>
  route({
    method: 'DELETE',
    path: '/sandboxes/:id/processes/:pid',
    params: PROCESS_ID,
    operationId: 'deleteProcess',
    tag: 'commands',
    summary: 'Kill a process, if it still runs, and forget it and its output',
    access,
    responses: { 204: { description: 'It is gone.' } },
    problems,
    handle: async (context, { params: { id = '', pid = '' } }) => {
      await askDaemon(dependencies, id, context.state, (target) =>
        dependencies.processes.remove(target, pid, context.state.signal),
      );
      context.status = 204;
    },
  });
