import type { Sandbox } from '../../../api/sandbox.ts';
import { isKubeError } from '../../../kube/errors.ts';
import type { Log } from '../../../telemetry/log.ts';
import { mayActFor } from '../../caller.ts';
import { apiServerRefusal } from '../../api-server-refusal.ts';
import { createSandbox } from '../../create-sandbox.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { valueAt } from '../../input-error.ts';
import { parsePrefer, preferenceApplied } from '../../prefer.ts';
import { ProblemError, problemError } from '../../problem.ts';
import { representSandbox, SandboxRepresentation } from '../../representation.ts';
import { requestStop } from '../../request-stop.ts';
import type { FacadeContext } from '../../request-state.ts';
import { route } from '../../route.ts';
import { explanation } from '../../sandbox-status.ts';
import { givesUp, isFailing, startOutcome, startProblem } from '../../start-outcome.ts';
import { waitForSandbox } from '../../wait-for-sandbox.ts';
import { CreateSandboxRequest, requestedSandbox } from './create-request.ts';

/** A start that fails again and again is given up after so long: time for one more try of kubelet's. */
const FAILING_MS = 20_000;
const RETRY_AFTER_SECONDS = 10;

/**
 * 201 once it takes commands. A start that fails is an error that carries the Sandbox, which is stopped and keeps its
 * record; so that whoever tries again is not kept waiting by what is left of the last try. A start that only takes long
 * goes on: 504, or 202 where the client has said how long it waits (`Prefer: wait=`). A client that leaves ends the
 * wait, never the Sandbox.
 */
export const createRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'POST',
    path: '/sandboxes',
    operationId: 'createSandbox',
    tag: 'sandboxes',
    summary: 'Start a sandbox for a user',
    access: { kind: 'scope', scope: 'sandboxes:write' },
    body: CreateSandboxRequest,
    responses: {
      201: { description: 'It takes commands.', schema: SandboxRepresentation },
      202: {
        description: 'It is starting, and the client preferred not to wait longer.',
        schema: SandboxRepresentation,
      },
    },
    problems: [
      'sandbox-stopped',
      'workspace-in-use',
      'start-failed',
      'start-timeout',
      'storage-unavailable',
      'no-capacity',
    ],
    handle: async (context, { body: request, rawBody }) => {
      if (!mayActFor(context.state.caller, request.user_id)) {
        throw problemError('not-allowed', `This API key may not act for the user ${request.user_id}`);
      }
      const preference = parsePrefer(context.get('prefer'));
      const applied = preferenceApplied(preference);
      if (applied !== undefined) context.set('Preference-Applied', applied);
      const sandbox = await createSandbox(dependencies, (name) =>
        requestedSandbox(name, dependencies.settings.namespace, request, valueAt(rawBody, ['config'])),
      ).catch((error: unknown) => {
        throw isKubeError(error, 'Invalid', 'BadRequest') ? apiServerRefusal(error, rawBody) : error;
      });
      const { name } = sandbox.metadata;
      context.state.log.info({ sandbox_id: name, user_id: request.user_id }, 'sandbox created');
      if (preference.async) return answer(context, 202, sandbox);
      try {
        await answerStart(dependencies, context, sandbox, preference.wait);
      } catch (error) {
        throw error instanceof ProblemError ? aboutSandbox(error, name) : error;
      }
    },
  });

/** `waitSeconds`: how long the client has said it waits. */
const answerStart = async (
  dependencies: FacadeDependencies,
  context: FacadeContext,
  initial: Sandbox,
  waitSeconds: number | undefined,
): Promise<void> => {
  const end = await waitForSandbox(dependencies, {
    initial,
    judge: startOutcome,
    limitMs: (waitSeconds ?? dependencies.settings.startTimeoutSeconds) * 1000,
    impatience: { when: isFailing, ms: FAILING_MS },
    signal: context.state.signal,
  });
  if (end.kind === 'gone') {
    throw problemError('sandbox-stopped', `Sandbox ${initial.metadata.name} was deleted while it started`);
  }
  const outcome = end.kind === 'settled' ? end.value : 'limit';
  if (outcome === 'started') return answer(context, 201, end.sandbox);
  if (end.kind === 'limit' && waitSeconds !== undefined) return answer(context, 202, end.sandbox);
  const problem = startProblem(end.sandbox, outcome);
  if (givesUp(problem)) await abandon(dependencies, context.state.log, end.sandbox);
  const passes = problem.status === 409 || problem.status === 503;
  throw new ProblemError({ problem, headers: passes ? { 'Retry-After': String(RETRY_AFTER_SECONDS) } : {} });
};

const abandon = async (
  dependencies: Pick<FacadeDependencies, 'kube' | 'cache' | 'settings'>,
  log: Log,
  sandbox: Sandbox,
): Promise<void> => {
  const why = explanation(sandbox);
  try {
    await requestStop(dependencies, sandbox, {
      reason: 'error',
      graceful: true,
      ...(why === undefined ? {} : { startFailure: `${why.reason}: ${why.message}` }),
    });
  } catch (error) {
    // The client hears of the start, which is worse; the Sandbox goes on trying.
    log.warn({ sandbox_id: sandbox.metadata.name, err: error }, 'a sandbox whose start failed could not be stopped');
  }
};

const answer = (context: FacadeContext, status: 201 | 202, sandbox: Sandbox): void => {
  context.status = status;
  context.set('Location', `/sandboxes/${sandbox.metadata.name}`);
  context.body = representSandbox(sandbox);
};

/** From the moment there is a Sandbox, every answer says which. */
const aboutSandbox = ({ problem, headers, cause }: ProblemError, name: string): ProblemError =>
  new ProblemError(
    { problem: { ...problem, sandbox_id: name }, headers: { ...headers, Location: `/sandboxes/${name}` } },
    cause,
  );
