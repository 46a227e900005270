/** One wrong input, in the original API's form. `loc` is a path from `body`, `query` or `header`. */
export interface InputError {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly input: unknown;
}

/**
 * RFC 9457 problem details, plus what the original API promised: `detail` is a sentence, or, with 422, the list of
 * wrong inputs. `type` is a tag URI (RFC 4151): it identifies, and need not be a page.
 */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string | readonly InputError[];
  readonly [extension: string]: unknown;
}

const TITLES = {
  'missing-api-key': [401, 'An API key is required'],
  'invalid-api-key': [403, 'The API key is not known'],
  'missing-ticket': [401, 'A ticket is required'],
  'invalid-ticket': [403, 'The ticket is not valid'],
  'api-key-expired': [403, 'The API key has expired'],
  'not-allowed': [403, 'The caller may not do this'],
  'file-not-permitted': [403, 'The sandbox user may not do this'],
  'not-found': [404, 'Not found'],
  'method-not-allowed': [405, 'Method not allowed'],
  'file-exists': [409, 'It is there already'],
  'file-conflict': [409, 'What is there does not allow this'],
  'precondition-failed': [412, 'It has been changed since'],
  'request-timeout': [408, 'The request did not come in time'],
  'body-too-large': [413, 'The request body is too large'],
  'unsupported-media-type': [415, 'The request body has an unsupported type'],
  'range-not-satisfiable': [416, 'The file has no such bytes'],
  'invalid-input': [422, 'The input is not valid'],
  'idempotency-key-reused': [422, 'The idempotency key belongs to another request'],
  'upgrade-required': [426, 'This is for connections that are upgraded'],
  'override-not-allowed': [422, 'The template does not leave this to the sandbox'],
  'rate-limited': [429, 'Too many requests'],
  'headers-too-large': [431, 'The URL and headers of the request are too large'],
  'too-many-sandboxes': [429, 'The API key has as many sandboxes as it may have'],
  'quota-exceeded': [429, 'The user has as much as one may have'],
  'bad-request': [400, 'The request cannot be carried out'],
  'wrong-state': [409, 'The process does not take this now'],
  'sandbox-not-running': [409, 'The sandbox is not running'],
  'sandbox-stopped': [409, 'The sandbox was stopped while it started'],
  'workspace-in-use': [409, 'The workspace is in use'],
  'start-failed': [500, 'The sandbox could not be started'],
  'start-timeout': [504, 'The sandbox did not start in time'],
  'too-many-access-keys': [429, 'The sandbox has as many SSH keys as it may have'],
  'too-many-files': [429, 'The sandbox has as many files open or watched as it can have'],
  'too-many-processes': [429, 'The sandbox has as many processes as it can have'],
  'storage-unavailable': [503, 'The storage of the home cannot be used'],
  'no-capacity': [503, 'No node has room for the sandbox'],
  'cluster-unavailable': [503, 'The cluster did not answer'],
  'sandbox-unreachable': [503, 'The sandbox did not answer'],
  'shutting-down': [503, 'This server is shutting down'],
  'exec-failed': [500, 'The command could not be run'],
  'file-failed': [500, 'The file system of the sandbox failed'],
  'not-in-image': [501, 'The image of the sandbox cannot do this'],
  'port-closed': [502, 'Nothing listens there in the sandbox'],
  'port-failed': [502, 'What listens there in the sandbox gave no proper answer'],
  'no-space': [507, 'The file system of the sandbox is full'],
  'internal-error': [500, 'Internal server error'],
} as const satisfies Record<string, readonly [number, string]>;

export const PROBLEM_KINDS = Object.keys(TITLES) as readonly ProblemKind[];

/** The closed set of problems: programs may decide by the last part of `type`. */
export type ProblemKind = keyof typeof TITLES;

export const problemType = (kind: ProblemKind): string => `tag:matrx.dev,2026:${kind}`;

export const problemStatus = (kind: ProblemKind): number => TITLES[kind][0];
export const problemTitle = (kind: ProblemKind): string => TITLES[kind][1];

export const makeProblem = (
  kind: ProblemKind,
  detail: Problem['detail'],
  extensions: Readonly<Record<string, unknown>> = {},
): Problem => {
  const [status, title] = TITLES[kind];
  return { type: problemType(kind), title, status, detail, ...extensions };
};

export interface ProblemResponse {
  readonly problem: Problem;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by anything that answers a request; the middleware answer-problems.ts turns it into the response. */
export class ProblemError extends Error {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;

  constructor({ problem, headers = {} }: ProblemResponse, cause?: unknown) {
    super(`${problem.status} ${problem.title}`, { cause });
    this.name = 'ProblemError';
    this.problem = problem;
    this.headers = headers;
  }
}

export const problemError = (
  kind: ProblemKind,
  detail: Problem['detail'],
  extensions?: Readonly<Record<string, unknown>>,
): ProblemError => new ProblemError({ problem: makeProblem(kind, detail, extensions) });

export const sandboxNotFound = (id: string): ProblemError => problemError('not-found', `Sandbox ${id} not found`);
