import { z } from 'zod';
import type { Frame } from '../../../sandboxd/protocol/frames.ts';
import type { OutputGap, ProcessEnd, ProcessInfo, StartProcess } from '../../../sandboxd/protocol/process.ts';
import type { DaemonTarget } from '../../daemon/connections.ts';
import { findDaemon } from '../../daemon/find-daemon.ts';
import type { DaemonProcesses } from '../../daemon/processes.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { representEnd, representProcess } from '../../processes/process-representation.ts';
import { MAX_OFFSET, MAX_TERMINAL_SIZE, Session } from '../../processes/process-request.ts';
import { wholeNumber } from '../../query-parameters.ts';
import { upgradeRoute } from '../../route.ts';
import { requireOwnOrigin } from '../../sockets/origin.ts';
import { type CarriedProcess, serveProcess } from '../../sockets/serve-process.ts';

const size = (unless: number) => wholeNumber(1, MAX_TERMINAL_SIZE).default(unless);

export const TerminalQuery = z.object({
  cols: size(80),
  rows: size(24),
  session: Session,
  process: z.string().optional().describe('A terminal from before, to go on with; otherwise a new one is opened.'),
  cursor: wholeNumber(0, MAX_OFFSET).default(0).describe('How many bytes of that terminal were received before.'),
});

type TerminalDependencies = FacadeDependencies & { readonly processes: DaemonProcesses };

/**
 * A terminal over a WebSocket. Binary messages are its bytes in both directions; text messages are JSON: `resize` and
 * `signal` from the client; `start`, `gap`, `end` and `problem` to it. `start` says the process and the cursor: with
 * both, and the bytes counted since, a client goes on where a connection ended, at any replica.
 */
export const terminalRoute = (dependencies: TerminalDependencies) =>
  upgradeRoute<z.infer<typeof TerminalQuery>>({
    path: '/sandboxes/:id/terminal',
    operationId: 'terminal',
    tag: 'terminal',
    summary: 'A terminal over a WebSocket',
    description:
      'Binary messages are bytes. Text messages are JSON: {"type": "resize", "cols", "rows"} and {"type": "signal", ' +
      '"signal"} to the server; start (process_id, cursor), gap, end and problem from it.',
    access: { kind: 'scope', scope: 'exec', ticket: () => 'terminal' },
    query: TerminalQuery,
    responses: { 101: { description: 'A WebSocket.' } },
    problems: ['bad-request', 'not-found', 'sandbox-not-running', 'sandbox-unreachable'],
    upgrade: async (asked) => {
      requireOwnOrigin(asked.request, dependencies.settings.allowedOrigins);
      const { query, state } = asked;
      const sandbox = asked.params['id'] ?? '';
      const target = await findDaemon(dependencies, sandbox, state);
      const begin = (): Promise<CarriedProcess> =>
        query.process === undefined
          ? openTerminal(dependencies, target, query, state.signal)
          : goOn(dependencies, target, query.process, query.cursor, state.signal);
      await serveProcess(dependencies, asked, { sandbox, target, askedBy: 'query', begin });
    },
  });

const openTerminal = async (
  { processes, random }: TerminalDependencies,
  target: DaemonTarget,
  { cols, rows, session }: z.infer<typeof TerminalQuery>,
  signal: AbortSignal,
): Promise<CarriedProcess> => {
  const start: StartProcess & { readonly id: string } = {
    id: random.hex(16),
    argv: ['bash', '-l'],
    env: { TERM: 'xterm-256color' },
    session,
    stdin: true,
    pty: { cols, rows },
    keep: 'attached',
    label: 'terminal',
  };
  const frames = await processes.run(target, start, signal);
  return { id: start.id, offset: 0, inputOffset: undefined, frames, present: presentTerminal(0) };
};

const goOn = async (
  { processes }: TerminalDependencies,
  target: DaemonTarget,
  id: string,
  cursor: number,
  signal: AbortSignal,
): Promise<CarriedProcess> => {
  const frames = await processes.output(target, id, { cursor, follow: true }, signal);
  return { id, offset: cursor, inputOffset: undefined, frames, present: presentTerminal(cursor) };
};

const presentTerminal =
  (cursor: number): CarriedProcess['present'] =>
  ({ type, payload }: Frame) => {
    switch (type) {
      case 'start':
        return [{ type, cursor, ...representProcess(contentOf(payload) as ProcessInfo) }];
      case 'stdout':
      case 'stderr':
      case 'pty':
        return [payload];
      case 'gap':
        return [{ type, ...(contentOf(payload) as OutputGap) }];
      case 'end':
        return [{ type, ...representEnd(contentOf(payload) as ProcessEnd) }];
      case 'keepalive':
        return [];
      default:
        return type satisfies never;
    }
  };

const contentOf = (payload: Buffer): unknown => JSON.parse(payload.toString('utf8'));
