import { DaemonError, type DaemonCode, type DaemonReason } from '../../sandboxd/protocol/problem.ts';
import { DaemonUnreachable } from '../daemon/connections.ts';
import { makeProblem, ProblemError, type ProblemKind } from '../problem.ts';

/** What a request for files or ports can be answered with on top of what any can. */
export const FILE_PROBLEMS = [
  'bad-request',
  'not-found',
  'file-not-permitted',
  'file-exists',
  'file-conflict',
  'no-space',
  'too-many-files',
  'file-failed',
  'sandbox-not-running',
  'sandbox-unreachable',
  'not-in-image',
] as const satisfies readonly ProblemKind[];

const OF_CODE: Readonly<Record<DaemonCode, ProblemKind>> = {
  invalid_argument: 'bad-request',
  out_of_range: 'bad-request',
  not_found: 'not-found',
  permission_denied: 'file-not-permitted',
  already_exists: 'file-exists',
  failed_precondition: 'file-conflict',
  resource_exhausted: 'too-many-files',
  unimplemented: 'not-in-image',
  // A daemon that does not know this facade's key, or stops just now.
  unauthenticated: 'sandbox-unreachable',
  unavailable: 'sandbox-unreachable',
  deadline_exceeded: 'sandbox-unreachable',
  internal: 'file-failed',
};

const OF_REASON: Readonly<Partial<Record<DaemonReason, ProblemKind>>> = {
  changed: 'precondition-failed',
  range: 'range-not-satisfiable',
  no_space: 'no-space',
  port_closed: 'port-closed',
};

const RETRY_AFTER_SECONDS = 2;

/** What is answered where the daemon of sandbox `name` refused, or was not there; anything else comes back as it is. */
export const fileProblem = (error: unknown, name: string): unknown => {
  if (error instanceof DaemonUnreachable) return error.refused ? withoutDaemon(name, error) : silent(name, error);
  if (!(error instanceof DaemonError)) return error;
  const { code, reason, message } = error;
  const kind = (reason === undefined ? undefined : OF_REASON[reason]) ?? OF_CODE[code];
  const extensions = { sandbox_id: name, ...(reason === undefined ? {} : { reason }) };
  const headers = kind === 'sandbox-unreachable' ? { 'Retry-After': String(RETRY_AFTER_SECONDS) } : {};
  return new ProblemError({ problem: makeProblem(kind, message, extensions), headers }, error);
};

/** Commands have another way into such a sandbox; files and ports have none. */
const withoutDaemon = (name: string, cause: unknown): ProblemError => {
  const detail =
    `Sandbox ${name} runs no sandboxd, which files and ports need: build its image on one that has it ` +
    "(`FROM` the product's sandbox image), or leave `image` out to get that";
  return new ProblemError({ problem: makeProblem('not-in-image', detail, { sandbox_id: name }) }, cause);
};

const silent = (name: string, cause: unknown): ProblemError => {
  const problem = makeProblem('sandbox-unreachable', `Sandbox ${name} does not answer at the moment`, {
    sandbox_id: name,
  });
  return new ProblemError({ problem, headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) } }, cause);
};
