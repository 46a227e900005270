import { KubeError, type KubeErrorReason } from './errors.ts';

/** metav1.Status, the body of every error the API server itself gives. */
export interface Status {
  readonly kind?: string;
  readonly status?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: {
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string }[];
  };
}

const BY_CODE: Readonly<Record<number, KubeErrorReason>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  408: 'Timeout',
  409: 'Conflict',
  410: 'Gone',
  422: 'Invalid',
  429: 'TooManyRequests',
  // The server gave up waiting for its own backend: a write may have been applied.
  504: 'Timeout',
};

/** `reason` is Status.reason, which tells AlreadyExists from Conflict (both 409) and names an expired version. */
export const reasonOf = (code: number, reason: string | undefined): KubeErrorReason => {
  if (reason === 'AlreadyExists') return 'AlreadyExists';
  if (reason === 'Expired' || reason === 'Gone') return 'Gone';
  const known = BY_CODE[code];
  if (known !== undefined) return known;
  return code >= 400 && code < 500 ? 'BadRequest' : 'ServerError';
};

/** Milliseconds of a Retry-After header (seconds or an HTTP date), undefined where it says nothing. */
export const parseRetryAfter = (header: string | undefined, now: number): number | undefined => {
  if (header === undefined || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
};

/** A KubeError from an answer that is no success. `what` is `GET /api/v1/...`, for a body that explains nothing. */
export const statusError = (answer: {
  readonly what: string;
  readonly code: number;
  readonly body: string;
  readonly retryAfter: string | undefined;
  readonly now: number;
}): KubeError => {
  const status = parseStatus(answer.body);
  const seconds = status?.details?.retryAfterSeconds;
  const retryAfterMs =
    parseRetryAfter(answer.retryAfter, answer.now) ?? (seconds === undefined ? undefined : seconds * 1000);
  const message =
    status?.message ?? `${answer.what} was answered with ${answer.code} ${answer.body.slice(0, 200)}`.trim();
  return new KubeError(reasonOf(answer.code, status?.reason), message, { code: answer.code, retryAfterMs });
};

const parseStatus = (body: string): Status | undefined => {
  try {
    const parsed = JSON.parse(body) as Status | null;
    return parsed !== null && parsed.kind === 'Status' ? parsed : undefined;
  } catch {
    // A proxy's HTML page, or nothing: the caller falls back to code and text.
    return undefined;
  }
};
