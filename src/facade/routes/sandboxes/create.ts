import type { Sandbox } from '../../../api/sandbox.ts';
import { isKubeError } from '../../../kube/errors.ts';
import { SANDBOXES } from '../../../kube/resource-types.ts';
import { apiServerRefusal } from '../../api-server-refusal.ts';
import { createSandbox } from '../../create-sandbox.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { parseInput, valueAt } from '../../input-error.ts';
import { readJsonBody } from '../../json-body.ts';
import { parsePrefer, preferenceApplied } from '../../prefer.ts';
import { ProblemError, problemError } from '../../problem.ts';
import { representSandbox } from '../../representation.ts';
import { requestStop } from '../../request-stop.ts';
import type { FacadeContext, FacadeMiddleware } from '../../request-state.ts';
import { isFailing, startOutcome, startProblem } from '../../start-outcome.ts';
import { waitForSandbox } from '../../wait-for-sandbox.ts';
import { CreateSandboxRequest, requestedSandbox } from './create-request.ts';

/** A start that fails again and again is given up after so long: time for one more try of kubelet's. */
const FAILING_MS = 20_000;

/**
 * `POST /sandboxes`: 201 once it takes commands. A failed start is an error that carries the Sandbox, which stays; so
 * is one that takes too long, unless the client has said how long it waits (`Prefer: wait=`), which is answered by 202.
 * A client that leaves ends the wait, never the Sandbox.
 */
export const createRoute = (dependencies: FacadeDependencies): FacadeMiddleware => {
  const { kube, cache, clock, settings } = dependencies;
  const read = (name: string): Promise<Sandbox> =>
    kube.get<Sandbox>({ type: SANDBOXES, namespace: settings.namespace, name });

  return async (context) => {
    const body = await readJsonBody(context.req, settings.maxBodyBytes);
    const request = parseInput(CreateSandboxRequest, 'body', body);
    const preference = parsePrefer(context.get('prefer'));
    const initial = await createSandbox(dependencies, (name) =>
      requestedSandbox(name, settings.namespace, request, valueAt(body, ['config'])),
    ).catch((error: unknown) => {
      throw isKubeError(error, 'Invalid', 'BadRequest') ? apiServerRefusal(error, body) : error;
    });
    const { name } = initial.metadata;
    const { log, signal } = context.state;
    log.info({ sandbox_id: name, user_id: request.user_id }, 'sandbox created');

    const applied = preferenceApplied(preference);
    if (applied !== undefined) context.set('Preference-Applied', applied);
    if (preference.async) return answer(context, 202, initial);
    const end = await waitForSandbox(
      { cache, clock, read },
      {
        initial,
        judge: startOutcome,
        limitMs: (preference.wait ?? settings.startTimeoutSeconds) * 1000,
        impatience: { when: isFailing, ms: FAILING_MS },
        signal,
      },
    );
    if (end.kind === 'gone') {
      throw problemError('sandbox-stopped', `Sandbox ${name} was deleted while it started`, { sandbox_id: name });
    }
    const outcome = end.kind === 'limit' ? 'limit' : end.value;
    if (outcome === 'started') return answer(context, 201, end.sandbox);
    if (outcome === 'limit' && preference.wait !== undefined && !isFailing(end.sandbox)) {
      return answer(context, 202, end.sandbox);
    }
    throw await failedStart(dependencies, end.sandbox, outcome);
  };
};

const answer = (context: FacadeContext, status: 201 | 202, sandbox: Sandbox): void => {
  context.status = status;
  context.set('Location', `/sandboxes/${sandbox.metadata.name}`);
  context.body = representSandbox(sandbox);
};

const failedStart = async (
  dependencies: FacadeDependencies,
  sandbox: Sandbox,
  outcome: 'failed' | 'stopped' | 'limit',
): Promise<ProblemError> => {
  const problem = startProblem(sandbox, outcome);
  if (problem.reason === 'WorkspaceInUse') {
    // Left waiting, it would start when nobody expects it any more, and keep the workspace from the client's next try.
    await requestStop(dependencies, sandbox, { reason: 'error', graceful: true });
  }
  const retryAfter = problem.status === 409 || problem.status === 503 ? { 'Retry-After': '10' } : {};
  return new ProblemError({ problem, headers: { Location: `/sandboxes/${sandbox.metadata.name}`, ...retryAfter } });
};
