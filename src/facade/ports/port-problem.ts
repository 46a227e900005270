import { DaemonError } from '../../sandboxd/protocol/problem.ts';
import { fileProblem } from '../files/file-problem.ts';
import { makeProblem, ProblemError, type ProblemKind } from '../problem.ts';

export const PORT_PROBLEMS = [
  'bad-request',
  'not-found',
  'sandbox-not-running',
  'sandbox-unreachable',
  'not-in-image',
  'port-closed',
  'port-failed',
] as const satisfies readonly ProblemKind[];

/** What is answered where a port could not be reached; anything else comes back as it is. */
export const portProblem = (error: unknown, sandbox: string): unknown => {
  if (!(error instanceof DaemonError) || error.code !== 'permission_denied') return fileProblem(error, sandbox);
  return new ProblemError({ problem: makeProblem('not-allowed', error.message, { sandbox_id: sandbox }) }, error);
};

/** What listens there closed the connection, or does not speak HTTP. */
export const portFailed = (sandbox: string, port: number, cause: unknown): ProblemError => {
  const detail = `Port ${port} of sandbox ${sandbox} gave no proper HTTP answer`;
  return new ProblemError({ problem: makeProblem('port-failed', detail, { sandbox_id: sandbox }) }, cause);
};
