/** What a failed call means for its caller. */
export type KubeErrorReason =
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Invalid'
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'Gone'
  | 'TooManyRequests'
  | 'ServerError'
  /** No complete answer came: a write may or may not have been applied. */
  | 'Timeout'
  | 'Unreachable'
  | 'Aborted';

/** A Kubernetes call that did not succeed. `message` is the API server's own, which names the field. */
export class KubeError extends Error {
  readonly reason: KubeErrorReason;
  /** The HTTP status, 0 where none came. */
  readonly code: number;
  /** Milliseconds the server asked to wait (Retry-After). */
  readonly retryAfterMs: number | undefined;

  constructor(
    reason: KubeErrorReason,
    message: string,
    details: { readonly code?: number; readonly retryAfterMs?: number | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'KubeError';
    this.reason = reason;
    this.code = details.code ?? 0;
    this.retryAfterMs = details.retryAfterMs;
  }
}

export const isKubeError = (thrown: unknown, ...reasons: readonly KubeErrorReason[]): thrown is KubeError =>
  thrown instanceof KubeError && (reasons.length === 0 || reasons.includes(thrown.reason));
