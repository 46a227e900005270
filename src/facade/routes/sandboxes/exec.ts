import { z } from 'zod';
import { HOT_PATH } from '../../../api/names.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { runCommand } from '../../exec/run-command.ts';
import { findSandbox } from '../../find-sandbox.ts';
import { parseInput } from '../../input-error.ts';
import { readJsonBody } from '../../json-body.ts';
import { problemError } from '../../problem.ts';
import { explanation, sandboxState, takesCommands } from '../../sandbox-status.ts';
import type { SandboxRoute } from './sandbox-route.ts';

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

/**
 * `POST /sandboxes/{id}/exec`: runs a command and answers when it has ended. It starts in the request's `cwd`, or at
 * home: this server keeps no directory from one command to the next, as another replica would not know it. The answer's
 * `cwd` is where the command ended, to be sent with the next.
 */
export const execRoute =
  (dependencies: FacadeDependencies): SandboxRoute =>
  async (context, id) => {
    const { settings } = dependencies;
    const { signal, log } = context.state;
    const body = await readJsonBody(context.req, settings.maxBodyBytes);
    const { command, timeout, cwd } = parseInput(ExecRequest, 'body', body);
    if (command.length > settings.maxCommandLength) {
      throw problemError(
        'bad-request',
        `Command too long: it has ${command.length} characters, at most ${settings.maxCommandLength} are accepted`,
      );
    }
    const sandbox = await findSandbox(dependencies, id, signal);
    const pod = sandbox.status?.podName;
    if (pod === undefined) throw problemError('bad-request', `Sandbox ${id} has no container`, { sandbox_id: id });
    const state = sandboxState(sandbox);
    if (!takesCommands(state)) {
      const why = explanation(sandbox)?.message;
      const detail = `Sandbox ${id} is not running: it is ${state}${why === undefined ? '' : ` (${why})`}`;
      throw problemError('sandbox-not-running', detail, { sandbox_id: id });
    }
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
  };
