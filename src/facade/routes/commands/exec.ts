import { createHash } from 'node:crypto';
import { z } from 'zod';
import { askDaemon } from '../../daemon/find-daemon.ts';
import type { DaemonProcesses } from '../../daemon/processes.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { execute } from '../../exec/execute.ts';
import { openCommand, shellProcess, type ShellCommand } from '../../exec/open-command.ts';
import { IDEMPOTENCY_KEY, idempotencyOf } from '../../idempotency.ts';
import { startOfOutput } from '../../processes/cursor.ts';
import { EVENT_STREAM_TYPE } from '../../processes/event-stream.ts';
import { processIdFor } from '../../processes/idempotent-start.ts';
import { followOutput } from '../../processes/follow-output.ts';
import { Command, requireLength, Session, WorkingDirectory } from '../../processes/process-request.ts';
import { sendEvents } from '../../processes/send-events.ts';
import type { FacadeContext } from '../../request-state.ts';
import { route } from '../../route.ts';
import { findRunning } from '../../running-sandbox.ts';

export const ExecRequest = z.strictObject({
  command: Command,
  timeout: z.int().min(1).max(600).default(30).describe('Seconds.'),
  user: z.literal('agent', 'commands run as agent; there is no other user in a sandbox').default('agent'),
  cwd: WorkingDirectory.nullish(),
  session: Session,
});

const ExecResponse = z.object({
  exit_code: z.int(),
  stdout: z.string().describe('Without the newlines at its end.'),
  stderr: z.string(),
  cwd: z.string().describe('Where the command ended.'),
  timed_out: z.boolean(),
  truncated: z.boolean().describe('Whether output was left out, because there was too much of it.'),
});

type CommandDependencies = FacadeDependencies & { readonly processes: DaemonProcesses };

/**
 * Runs a command and answers when it has ended. It starts in the request's `cwd`, or where the last command of the same
 * session ended, or at home; the sandbox's own daemon keeps that directory, so it is the same for every replica. A
 * client that goes away ends the command, unless it has sent an Idempotency-Key: then it may ask again, any replica, for
 * what the same command, started once, came to.
 *
 * With `Accept: text/event-stream` the answer begins at once and tells of the output as it comes. Then the command goes
 * on when the connection ends, so that another can take it up: `GET …/processes/:pid/output` with `Last-Event-ID`.
 */
export const execRoute = (dependencies: CommandDependencies) =>
  route({
    method: 'POST',
    path: '/sandboxes/:id/exec',
    operationId: 'exec',
    tag: 'commands',
    summary: 'Run a command and wait for its end, or follow its output',
    description:
      'With `Accept: text/event-stream` the answer is a stream of the events start, stdout, stderr, gap, end. The id of ' +
      'each is a cursor: send the last one as Last-Event-ID to the output of the process, and it goes on there.',
    access: { kind: 'scope', scope: 'exec' },
    headers: IDEMPOTENCY_KEY,
    body: ExecRequest,
    responses: {
      200: {
        description: 'It has ended, well or not; or its events.',
        schema: ExecResponse,
        alternatives: { [EVENT_STREAM_TYPE]: undefined },
      },
    },
    problems: [
      'bad-request',
      'not-found',
      'sandbox-not-running',
      'sandbox-unreachable',
      'too-many-processes',
      'idempotency-key-reused',
      'exec-failed',
    ],
    handle: async (context, { params: { id = '' }, body: { command, timeout, cwd, session }, rawBody }) => {
      requireLength(command, dependencies.settings.maxCommandLength);
      const processId = processIdFor(idempotencyOf(context, `exec ${id}`, rawBody));
      const asked: ShellCommand = { id: processId, command, cwd: cwd ?? undefined, session, timeoutSeconds: timeout };
      logCommand(context, id, command);
      if (context.accepts('application/json', EVENT_STREAM_TYPE) === EVENT_STREAM_TYPE) {
        return stream(dependencies, context, id, asked);
      }
      const sandbox = await findRunning(dependencies, id, context.state);
      const result = await execute(dependencies, context.state, { name: id, ...sandbox }, asked);
      context.body = {
        exit_code: result.exitCode,
        stdout: result.stdout,
        stderr: result.stderr,
        cwd: result.cwd,
        timed_out: result.timedOut,
        truncated: result.truncated,
      };
    },
  });

const stream = async (
  dependencies: CommandDependencies,
  context: FacadeContext,
  id: string,
  command: ShellCommand,
): Promise<void> => {
  const { signal } = context.state;
  const start = shellProcess(dependencies, command);
  const followed = await askDaemon(dependencies, id, context.state, (target) =>
    openCommand(dependencies.processes, target, start, signal),
  );
  context.set('Location', `/sandboxes/${id}/processes/${start.id}`);
  await sendEvents(context, id, startOfOutput, followOutput(dependencies, followed, signal));
};

/** What a command says may be secret: its length and the beginning of its hash are enough to recognize it by. */
const logCommand = ({ state }: FacadeContext, sandbox: string, command: string): void => {
  const hash = createHash('sha256').update(command).digest('hex').slice(0, 12);
  state.log.debug({ sandbox_id: sandbox, command_length: command.length, command_sha256: hash }, 'command');
};
