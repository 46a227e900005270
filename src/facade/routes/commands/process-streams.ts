import { PassThrough } from 'node:stream';
import { z } from 'zod';
import type { DaemonTarget } from '../../daemon/connections.ts';
import { askDaemon } from '../../daemon/find-daemon.ts';
import type { DaemonProcesses } from '../../daemon/processes.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { invalidInput } from '../../input-error.ts';
import { problemError } from '../../problem.ts';
import { flag, wholeNumber } from '../../query-parameters.ts';
import { type Cursor, parseCursor } from '../../processes/cursor.ts';
import { EVENT_STREAM_TYPE } from '../../processes/event-stream.ts';
import { followOutput } from '../../processes/follow-output.ts';
import { CursorText, MAX_OFFSET, PROCESS_ID, SIGNALS, TerminalSize } from '../../processes/process-request.ts';
import { RAW_TYPE, rawOutput } from '../../processes/raw-output.ts';
import { sendEvents } from '../../processes/send-events.ts';
import type { FacadeContext } from '../../request-state.ts';
import { type Route, route } from '../../route.ts';
import { streamAnswer } from '../../stream-answer.ts';

type ProcessDependencies = FacadeDependencies & { readonly processes: DaemonProcesses };

const access = { kind: 'scope', scope: 'exec' } as const;
const problems = ['bad-request', 'not-found', 'wrong-state', 'sandbox-not-running', 'sandbox-unreachable'] as const;

/** What goes into a process and comes out of it. */
export const processStreamRoutes = (dependencies: ProcessDependencies): readonly Route[] => [
  outputRoute(dependencies),
  inputRoute(dependencies),
  ...controlRoutes(dependencies),
];

const OutputQuery = z.object({
  cursor: CursorText,
  follow: flag.default(true).describe('Whether to wait for what the process will write.'),
});

/** Events unless plain bytes are asked for. A browser that reconnects sends Last-Event-ID beside the cursor it began with. */
const outputRoute = (dependencies: ProcessDependencies) =>
  route({
    method: 'GET',
    path: '/sandboxes/:id/processes/:pid/output',
    params: PROCESS_ID,
    operationId: 'getProcessOutput',
    tag: 'commands',
    summary: 'The output of a process, from a cursor on',
    description:
      'The events start, stdout, stderr, pty, gap, end, each with a cursor as its id: Last-Event-ID goes on behind it. ' +
      'With `Accept: application/octet-stream`, the bytes of all streams as they came.',
    access,
    query: OutputQuery,
    headers: {
      'Last-Event-ID': {
        description: 'The id of the last event that was received; it counts more than `cursor`.',
        schema: z.string().meta({ examples: ['1024'] }),
      },
    },
    responses: {
      200: { description: 'Its output.', contentType: EVENT_STREAM_TYPE, alternatives: { [RAW_TYPE]: undefined } },
    },
    problems,
    handle: async (context, { params: { id = '', pid = '' }, query }) => {
      const { processes } = dependencies;
      const { signal } = context.state;
      const cursor = cursorOf(context, query.cursor);
      const raw = context.accepts(EVENT_STREAM_TYPE, RAW_TYPE) === RAW_TYPE;
      const followed = await askDaemon(dependencies, id, context.state, async (target) => {
        if (raw || context.method === 'HEAD') await requireKept(processes, target, pid, cursor, signal);
        return {
          target,
          id: pid,
          offset: cursor.offset,
          frames: await processes.output(target, pid, { cursor: cursor.offset, follow: query.follow }, signal),
        };
      });
      const frames = query.follow ? followOutput(dependencies, followed, signal) : followed.frames;
      if (raw) await streamAnswer(context, RAW_TYPE, rawOutput(cursor, frames));
      else await sendEvents(context, id, cursor, frames);
    },
  });

const cursorOf = (context: FacadeContext, fromQuery: string): Cursor => {
  const last = context.get('last-event-id');
  const cursor = parseCursor(last === '' ? fromQuery : last);
  if (cursor !== undefined) return cursor;
  const msg = 'Last-Event-ID must be the id of an event';
  throw invalidInput([{ type: 'string_pattern_mismatch', loc: ['header', 'last-event-id'], msg, input: last }]);
};

/** Plain bytes cannot say that some are missing. */
const requireKept = async (
  processes: DaemonProcesses,
  target: DaemonTarget,
  id: string,
  { offset }: Cursor,
  signal: AbortSignal,
): Promise<void> => {
  const { outputFrom } = await processes.get(target, id, signal);
  if (outputFrom <= offset) return;
  throw problemError(
    'bad-request',
    `The output before byte ${outputFrom} has been dropped: ask with cursor=${outputFrom}, or for events, which say so`,
  );
};

const InputQuery = z.object({
  offset: wholeNumber(0, MAX_OFFSET)
    .optional()
    .describe(
      'How many bytes of input were sent before: what is sent twice is taken once. Without it they are appended.',
    ),
});

const inputRoute = (dependencies: ProcessDependencies) =>
  route({
    method: 'POST',
    path: '/sandboxes/:id/processes/:pid/input',
    params: PROCESS_ID,
    operationId: 'sendInput',
    tag: 'commands',
    summary: 'Send bytes to the standard input of a process',
    access,
    query: InputQuery,
    body: 'stream',
    responses: {
      200: {
        description: 'They were taken.',
        schema: z.object({ offset: z.int().min(0).describe('All bytes of input that were taken so far.') }),
      },
    },
    problems,
    handle: async (context, { params: { id = '', pid = '' }, query: { offset } }) => {
      // Of its own: a broken stream is destroyed, and with the request the client would lose its answer.
      const stream = context.req.pipe(new PassThrough());
      const taken = await askDaemon(dependencies, id, context.state, (target) =>
        dependencies.processes.input(target, pid, { offset, stream }, context.state.signal),
      );
      context.body = { offset: taken };
    },
  });

const controlRoutes = ({ processes, ...dependencies }: ProcessDependencies): readonly Route[] => {
  const done = { 204: { description: 'Done.' } };
  return [
    route({
      method: 'POST',
      path: '/sandboxes/:id/processes/:pid/input/close',
      params: PROCESS_ID,
      operationId: 'closeInput',
      tag: 'commands',
      summary: 'End the standard input of a process',
      access,
      responses: done,
      problems,
      handle: async (context, { params: { id = '', pid = '' } }) => {
        const { state } = context;
        await askDaemon(dependencies, id, state, (target) => processes.closeInput(target, pid, state.signal));
        context.status = 204;
      },
    }),
    route({
      method: 'POST',
      path: '/sandboxes/:id/processes/:pid/signal',
      params: PROCESS_ID,
      operationId: 'signalProcess',
      tag: 'commands',
      summary: 'Send a signal to a process and all of its group',
      access,
      body: z.strictObject({ signal: z.enum(SIGNALS).default('SIGTERM') }),
      responses: done,
      problems,
      handle: async (context, { params: { id = '', pid = '' }, body: { signal } }) => {
        const { state } = context;
        await askDaemon(dependencies, id, state, (target) => processes.kill(target, pid, signal, state.signal));
        context.status = 204;
      },
    }),
    route({
      method: 'POST',
      path: '/sandboxes/:id/processes/:pid/resize',
      params: PROCESS_ID,
      operationId: 'resizeTerminal',
      tag: 'commands',
      summary: 'Change the size of the terminal of a process',
      access,
      body: TerminalSize,
      responses: done,
      problems,
      handle: async (context, { params: { id = '', pid = '' }, body }) => {
        const { state } = context;
        await askDaemon(dependencies, id, state, (target) => processes.resize(target, pid, body, state.signal));
        context.status = 204;
      },
    }),
  ];
};
