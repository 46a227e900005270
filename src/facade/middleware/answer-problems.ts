import { isKubeError } from '../../kube/errors.ts';
import { kubeProblem } from '../kube-problem.ts';
import { makeProblem, ProblemError, type ProblemResponse } from '../problem.ts';
import { ClientGone, type FacadeContext, type FacadeMiddleware } from '../request-state.ts';

/** Turns what was thrown into the answer. The inside of an unexpected error goes to the log, never to the client. */
export const answerProblems: FacadeMiddleware = async (context, next) => {
  try {
    await next();
    const unrouted = unroutedProblem(context);
    if (unrouted !== undefined) answer(context, unrouted);
  } catch (thrown) {
    const { signal } = context.state;
    // Whatever a call makes of an abort, its reason says more: the client has gone, or the server must stop.
    const error: unknown = signal.aborted && !(thrown instanceof ProblemError) ? signal.reason : thrown;
    if (error instanceof ClientGone) return;
    const response = toResponse(error);
    if (response.problem.status >= 500) {
      context.state.log.error({ err: error, problem: response.problem.type }, response.problem.title);
    }
    answer(context, response);
  }
};

/** The router answers with no more than a status, and Allow. */
const unroutedProblem = ({ status, body, method, path }: FacadeContext): ProblemResponse | undefined => {
  if (body !== undefined && body !== null) return undefined;
  if (status === 404) return { problem: makeProblem('not-found', `There is nothing at ${path}`) };
  if (status !== 405 && status !== 501) return undefined;
  return { problem: makeProblem('method-not-allowed', `${method} is not possible at ${path}`) };
};

/** What a failure is answered with. */
export const toResponse = (error: unknown): ProblemResponse => {
  if (error instanceof ProblemError) return error;
  if (isKubeError(error)) return kubeProblem(error);
  return { problem: makeProblem('internal-error', 'Internal Server Error') };
};

const answer = (context: FacadeContext, { problem, headers = {} }: ProblemResponse): void => {
  context.status = problem.status;
  context.body = JSON.stringify(problem);
  context.set(headers);
  context.type = 'application/problem+json';
};
