/** Why sandboxd refuses: the codes of the Connect protocol, which the E2B SDKs understand, for both of its APIs. */
export type DaemonCode =
  | 'invalid_argument'
  | 'unauthenticated'
  | 'permission_denied'
  | 'not_found'
  | 'already_exists'
  | 'failed_precondition'
  | 'out_of_range'
  | 'resource_exhausted'
  | 'deadline_exceeded'
  | 'unimplemented'
  | 'unavailable'
  | 'internal';

/** The HTTP status of a unary answer, as Connect has it (https://connectrpc.com/docs/protocol#error-codes). */
export const STATUS_OF: Readonly<Record<DaemonCode, number>> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 400,
  out_of_range: 400,
  resource_exhausted: 429,
  deadline_exceeded: 504,
  unimplemented: 501,
  unavailable: 503,
  internal: 500,
};

/** What exactly was in the way, where a caller may want to decide by it. */
export type DaemonReason =
  | 'is_directory'
  | 'not_directory'
  | 'not_regular'
  | 'not_empty'
  | 'no_space'
  | 'symlink_loop'
  | 'name_too_long'
  | 'read_only'
  | 'busy'
  /** If-Match or If-None-Match does not hold. */
  | 'changed'
  | 'range'
  | 'not_an_archive'
  /** Nothing listens there. */
  | 'port_closed';

/** HTTP has words of its own for these; the E2B SDKs know 507 as well. */
const STATUS_OF_REASON: Readonly<Partial<Record<DaemonReason, number>>> = { changed: 412, range: 416, no_space: 507 };

/** The body of a refusal. */
export interface DaemonProblem {
  readonly code: DaemonCode;
  readonly message: string;
  readonly reason?: DaemonReason;
}

export const statusOf = ({ code, reason }: Pick<DaemonProblem, 'code' | 'reason'>): number =>
  (reason === undefined ? undefined : STATUS_OF_REASON[reason]) ?? STATUS_OF[code];

/** Thrown by what answers a request; the server turns it into the answer. */
export class DaemonError extends Error {
  readonly code: DaemonCode;
  readonly reason: DaemonReason | undefined;

  constructor(code: DaemonCode, message: string, cause?: unknown, reason?: DaemonReason) {
    super(message, { cause });
    this.name = 'DaemonError';
    this.code = code;
    this.reason = reason;
  }
}

/** What a failure is answered with. */
export const toProblem = (thrown: unknown): DaemonProblem => {
  if (!(thrown instanceof DaemonError)) {
    return { code: 'internal', message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  const { code, message, reason } = thrown;
  return reason === undefined ? { code, message } : { code, message, reason };
};
