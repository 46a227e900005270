import { DaemonError, type DaemonCode } from '../../sandboxd/protocol/problem.ts';
import { makeProblem, ProblemError, type ProblemKind } from '../problem.ts';
import { DaemonUnreachable } from './connections.ts';

const RETRY_AFTER_SECONDS = 2;

const KINDS: Readonly<Record<DaemonCode, ProblemKind>> = {
  invalid_argument: 'bad-request',
  out_of_range: 'bad-request',
  permission_denied: 'bad-request',
  not_found: 'not-found',
  already_exists: 'wrong-state',
  failed_precondition: 'wrong-state',
  resource_exhausted: 'too-many-processes',
  // A daemon of another version, or one that does not know this facade's key: nothing that a client could mend.
  unimplemented: 'sandbox-unreachable',
  unauthenticated: 'sandbox-unreachable',
  unavailable: 'sandbox-unreachable',
  deadline_exceeded: 'sandbox-unreachable',
  internal: 'exec-failed',
};

/** What a request is answered with whose call to the daemon of sandbox `name` failed; anything else comes back as it is. */
export const daemonProblem = (error: unknown, name: string): unknown => {
  if (error instanceof DaemonUnreachable) return unreachable(name, error);
  if (!(error instanceof DaemonError)) return error;
  const kind = KINDS[error.code];
  const problem = makeProblem(kind, sentence(error.message), { sandbox_id: name });
  return new ProblemError({ problem, headers: retryHeaders(kind) }, error);
};

/** Its image has no daemon, or it is not there at the moment. */
export const unreachable = (name: string, cause?: unknown): ProblemError => {
  const refused = cause instanceof DaemonUnreachable && cause.refused;
  const detail = refused
    ? `Sandbox ${name} runs no sandboxd: its image has none, or it is only just starting`
    : `Sandbox ${name} does not answer at the moment`;
  const problem = makeProblem('sandbox-unreachable', detail, { sandbox_id: name });
  return new ProblemError({ problem, headers: retryHeaders('sandbox-unreachable') }, cause);
};

const retryHeaders = (kind: ProblemKind): Readonly<Record<string, string>> =>
  kind === 'sandbox-unreachable' || kind === 'too-many-processes' ? { 'Retry-After': String(RETRY_AFTER_SECONDS) } : {};

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
