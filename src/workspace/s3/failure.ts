import { types } from 'node:util';
import { errorMessage } from '../../base/errors.ts';
import { StoreError, type StoreErrorReason } from '../object-store.ts';

/** What one failed attempt means: whether to try again, and whether S3 may have applied it all the same. */
export interface Failure {
  readonly reason: Exclude<StoreErrorReason, 'Ambiguous' | 'Exists' | 'Changed'> | 'Precondition';
  readonly retry: boolean;
  /** No definite answer: a write may have been applied. */
  readonly ambiguous: boolean;
  /** What S3, or the network, said. */
  readonly said: string;
}

export interface Operation {
  readonly bucket: string;
  readonly key: string;
  /** The API operation, for example `PutObject`. */
  readonly name: string;
  readonly permission: string;
}

interface ServiceError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const CREDENTIALS = [
  'AccessDenied',
  'AllAccessDisabled',
  'ExpiredToken',
  'Forbidden',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
];
/** Errors S3 gives for a request it did not apply, and that may succeed a moment later. */
const LATER = ['ConditionalRequestConflict', 'RequestTimeTooSkewed', 'OperationAborted'];
/** Connection errors from before the first byte of a request was sent; the message names them, however deep the cause. */
const NOT_SENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'];

/** `thrown` is what the SDK threw for one attempt; `timedOut` when our own deadline ended it. */
export const classify = (thrown: unknown, timedOut: boolean): Failure => {
  const error = (types.isNativeError(thrown) ? thrown : new Error(String(thrown))) as ServiceError;
  const status = error.$metadata?.httpStatusCode ?? 0;
  const said = status === 0 ? errorMessage(error) : `${error.name} (HTTP ${status}) ${error.message}`.trim();
  const definite = (reason: Failure['reason'], retry = false): Failure => ({ reason, retry, ambiguous: false, said });

  if (timedOut) return { reason: 'Unreachable', retry: true, ambiguous: true, said: 'no complete answer in time' };
  if (error.name === 'CredentialsProviderError') return definite('Forbidden');
  if (LATER.includes(error.name)) return definite('Failed', true);
  if (error.name === 'NoSuchBucket') return definite('BucketNotFound');
  if (CREDENTIALS.includes(error.name) || status === 401 || status === 403) return definite('Forbidden');
  if (status === 412) return definite('Precondition');
  if (status === 404) return definite('NotFound');
  if (status === 408 || status === 429) return definite('Unreachable', true);
  if (status >= 500) return { reason: 'Unreachable', retry: status !== 501, ambiguous: true, said };
  // A 2xx whose body could not be read: GET only needs another try, a PUT has been applied.
  if (status >= 200 && status < 300) return { reason: 'Unreachable', retry: true, ambiguous: true, said };
  if (status !== 0) return definite('Failed');
  return { reason: 'Unreachable', retry: true, ambiguous: !NOT_SENT.some((code) => said.includes(code)), said };
};

const REMEDIES: Readonly<Partial<Record<StoreErrorReason, (operation: Operation) => string>>> = {
  BucketNotFound: ({ bucket }) => `create the bucket ${bucket} or correct the setting that names it`,
  Forbidden: ({ bucket, permission }) =>
    `the credentials need ${permission} on the bucket ${bucket}, and must be current`,
  Unreachable: () => 'check that the S3 endpoint is up and reachable from here',
  Ambiguous: () => 'check that the S3 endpoint is up and reachable from here',
};

export const storeError = (
  reason: StoreErrorReason,
  operation: Operation,
  said: string,
  attempts: number,
  cause?: unknown,
): StoreError => {
  const tries = attempts > 1 ? ` after ${attempts} attempts` : '';
  const advice = REMEDIES[reason]?.(operation);
  const text = `${operation.name} s3://${operation.bucket}/${operation.key}${tries}: ${said}`;
  return new StoreError(reason, operation.permission, advice === undefined ? text : `${text}; ${advice}`, cause);
};
