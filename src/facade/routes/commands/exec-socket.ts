import { z } from 'zod';
import { findDaemon } from '../../daemon/find-daemon.ts';
import type { DaemonProcesses } from '../../daemon/processes.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { openCommand, shellProcess } from '../../exec/open-command.ts';
import { parseInput } from '../../input-error.ts';
import { type Cursor, parseCursor, startOfOutput } from '../../processes/cursor.ts';
import { makeOutputReader } from '../../processes/output-event.ts';
import { CursorText, requireLength } from '../../processes/process-request.ts';
import { upgradeRoute } from '../../route.ts';
import { requireOwnOrigin } from '../../sockets/origin.ts';
import { inputTaken } from '../../sockets/process-input.ts';
import { type CarriedProcess, serveProcess } from '../../sockets/serve-process.ts';
import { ExecRequest } from './exec.ts';

/** The client's first message. */
const FirstMessage = z.discriminatedUnion('type', [
  ExecRequest.extend({ type: z.literal('start'), stdin: z.boolean().default(false) }),
  z.strictObject({ type: z.literal('attach'), process_id: z.string(), cursor: CursorText }),
]);

/**
 * A command over a WebSocket. The first message says what to run, and not the address, which stands in logs. From then
 * on binary messages are its standard input, and its output comes as the events of the event stream do, as JSON.
 */
export const execSocketRoute = (dependencies: FacadeDependencies & { readonly processes: DaemonProcesses }) =>
  upgradeRoute({
    path: '/sandboxes/:id/exec',
    operationId: 'execSocket',
    tag: 'commands',
    summary: 'Run a command over a WebSocket',
    description:
      'Send {"type": "start", "command": …} with the fields of exec and `stdin`, or {"type": "attach", "process_id", ' +
      '"cursor"}. Then binary messages are standard input, and text messages are {"type": "signal", "signal"} or ' +
      '{"type": "close_input"}. Text messages from the server are the events start, stdout, stderr, gap, end, problem.',
    access: { kind: 'scope', scope: 'exec' },
    responses: { 101: { description: 'A WebSocket.' } },
    problems: ['bad-request', 'not-found', 'sandbox-not-running', 'sandbox-unreachable'],
    upgrade: async (asked) => {
      requireOwnOrigin(asked.request, dependencies.settings.allowedOrigins);
      const { processes, settings } = dependencies;
      const { state } = asked;
      const sandbox = asked.params['id'] ?? '';
      const target = await findDaemon(dependencies, sandbox, state);
      const begin = async (message: unknown): Promise<CarriedProcess> => {
        const first = parseInput(FirstMessage, 'body', message);
        if (first.type === 'attach') {
          const { process_id: id } = first;
          const cursor = parseCursor(first.cursor) ?? startOfOutput;
          const inputOffset = await inputTaken(processes, target, id, state.signal);
          const from = { cursor: cursor.offset, follow: true };
          const frames = await processes.output(target, id, from, state.signal);
          return {
            id,
            offset: cursor.offset,
            inputOffset,

            frames,
            present: presentEvents(cursor, inputOffset),
          };
        }
        const { command, cwd, session, timeout, stdin } = first;
        requireLength(command, settings.maxCommandLength);
        const start = shellProcess(dependencies, {
          id: undefined,
          command,
          cwd: cwd ?? undefined,
          session,
          timeoutSeconds: timeout,
          stdin,
        });
        const opened = await openCommand(processes, target, start, state.signal);
        return { ...opened, inputOffset: 0, present: presentEvents(startOfOutput, 0) };
      };
      await serveProcess(dependencies, asked, { sandbox, target, askedBy: 'message', begin });
    },
  });

const presentEvents = (from: Cursor, inputOffset: number): CarriedProcess['present'] => {
  const read = makeOutputReader(from);
  return (frame) =>
    read(frame).flatMap((event) => {
      if (event.type === 'keepalive') return [];
      const message = { type: event.type, cursor: event.cursor, ...event.content };
      // What was sent before and has not arrived is to be sent again.
      return [event.type === 'start' ? { ...message, input_offset: inputOffset } : message];
    });
};
