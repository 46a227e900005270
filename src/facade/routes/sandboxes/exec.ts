import { z } from 'zod';
import { HOT_PATH } from '../../../api/names.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { runCommand } from '../../exec/run-command.ts';
import { findSandbox } from '../../find-sandbox.ts';
import { problemError } from '../../problem.ts';
import { route } from '../../route.ts';
import { runningSandbox } from '../../running-sandbox.ts';

const withoutNul = /^[^\0]*$/;

const ExecRequest = z.strictObject({
  command: z
    .string()
    .regex(/\S/, 'command must not be blank')
    .regex(withoutNul, 'command must not hold a NUL character'),
  timeout: z.int().min(1).max(600).default(30).describe('Seconds.'),
  user: z.literal('agent', 'commands run as agent; there is no other user in a sandbox').default('agent'),
  cwd: z
    .string()
    .max(4096)
    .regex(/^\//, 'cwd must be an absolute path')
    .regex(withoutNul, 'cwd must not hold a NUL character')
    .nullish(),
});

const ExecResponse = z.object({
  exit_code: z.int(),
  stdout: z.string().describe('Without the newlines at its end.'),
  stderr: z.string(),
  cwd: z.string().describe('Where the command ended.'),
  timed_out: z.boolean(),
  truncated: z.boolean().describe('Whether output was left out, because there was too much of it.'),
});

/**
 * Runs a command and answers when it has ended. It starts in the request's `cwd`, or at home: this server keeps no
 * directory from one command to the next, as another replica would not know it. The answer's `cwd` is where the command
 * ended, to be sent with the next.
 */
export const execRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'POST',
    path: '/sandboxes/:id/exec',
    operationId: 'exec',
    tag: 'commands',
    summary: 'Run a command and wait for its end',
    access: { kind: 'scope', scope: 'exec' },
    body: ExecRequest,
    responses: { 200: { description: 'It has ended, well or not.', schema: ExecResponse } },
    problems: ['bad-request', 'not-found', 'sandbox-not-running', 'exec-failed'],
    handle: async (context, { params: { id = '' }, body: { command, timeout, cwd } }) => {
      const { settings } = dependencies;
      const { signal, log } = context.state;
      if (command.length > settings.maxCommandLength) {
        throw problemError(
          'bad-request',
          `Command too long: it has ${command.length} characters, at most ${settings.maxCommandLength} are accepted`,
        );
      }
      const sandbox = await findSandbox(dependencies, id, context.state);
      const { pod } = runningSandbox(sandbox);
      const result = await runCommand(
        dependencies,
        { signal, log },
        {
          pod,
          command,
          cwd: cwd ?? HOT_PATH,
          timeoutSeconds: timeout,
        },
      );
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
