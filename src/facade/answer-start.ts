import type { Sandbox } from '../api/sandbox.ts';
import { answerSandbox } from './answer-sandbox.ts';
import type { FacadeDependencies } from './dependencies.ts';
import type { Preference } from './prefer.ts';
import { ProblemError, problemError } from './problem.ts';
import type { FacadeContext } from './request-state.ts';
import { givesUp, isFailing, startOutcome, startProblem } from './start-outcome.ts';
import { waitForSandbox } from './wait-for-sandbox.ts';

export interface StartRequest {
  /** What the API server answered to the write that asked for the start. */
  readonly initial: Sandbox;
  readonly preference: Preference;
  /** Of the answer to a start that went well. */
  readonly status: 200 | 201;
  /** Whether the Sandbox's status speaks of this start yet, and not of what was before. */
  readonly isCurrent?: (sandbox: Sandbox) => boolean;
  /** Ends a start that has failed, so that nothing is left of it in the way of the next. Must not throw. */
  readonly abandon: (sandbox: Sandbox) => Promise<void>;
}

/** A start that fails again and again is given up after so long: time for one more try of kubelet's. */
const FAILING_MS = 20_000;
const RETRY_AFTER_SECONDS = 10;

/**
 * Waits for a start and answers as it went. One that fails is an error that carries the Sandbox. One that only takes
 * long goes on: 504, or 202 where the client has said how long it waits. A client that leaves ends the wait, never the
 * Sandbox.
 */
export const answerStart = async (
  dependencies: FacadeDependencies,
  context: FacadeContext,
  { initial, preference, status, isCurrent = () => true, abandon }: StartRequest,
): Promise<void> => {
  const { name } = initial.metadata;
  if (preference.async) return answer(context, 202, initial);
  try {
    const end = await waitForSandbox(dependencies, {
      initial,
      judge: (sandbox) => (isCurrent(sandbox) ? startOutcome(sandbox) : undefined),
      limitMs: (preference.wait ?? dependencies.settings.startTimeoutSeconds) * 1000,
      impatience: { when: (sandbox) => isCurrent(sandbox) && isFailing(sandbox), ms: FAILING_MS },
      signal: context.state.signal,
    });
    if (end.kind === 'gone') throw problemError('sandbox-stopped', `Sandbox ${name} was deleted while it started`);
    const outcome = end.kind === 'settled' ? end.value : 'limit';
    if (outcome === 'started') return answer(context, status, end.sandbox);
    if (end.kind === 'limit' && preference.wait !== undefined) return answer(context, 202, end.sandbox);
    const problem = startProblem(end.sandbox, outcome, context.state.sshPort);
    if (givesUp(problem)) await abandon(end.sandbox);
    const passes = problem.status === 409 || problem.status === 503;
    throw new ProblemError({ problem, headers: passes ? { 'Retry-After': String(RETRY_AFTER_SECONDS) } : {} });
  } catch (error) {
    throw error instanceof ProblemError ? aboutSandbox(error, name) : error;
  }
};

const answer = (context: FacadeContext, status: 200 | 201 | 202, sandbox: Sandbox): void => {
  context.set('Location', `/sandboxes/${sandbox.metadata.name}`);
  answerSandbox(context, status, sandbox);
};

/** From the moment there is a Sandbox, every answer says which. */
const aboutSandbox = ({ problem, headers, cause }: ProblemError, name: string): ProblemError =>
  new ProblemError(
    { problem: { ...problem, sandbox_id: name }, headers: { ...headers, Location: `/sandboxes/${name}` } },
    cause,
  );
