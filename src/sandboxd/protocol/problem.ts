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
  unimplemented: 501,
  unavailable: 503,
  internal: 500,
};

/** The body of a refusal. */
export interface DaemonProblem {
  readonly code: DaemonCode;
  readonly message: string;
}

/** Thrown by what answers a request; the server turns it into the answer. */
export class DaemonError extends Error {
  readonly code: DaemonCode;

  constructor(code: DaemonCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'DaemonError';
    this.code = code;
  }
}
