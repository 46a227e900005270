import type { KubeError, KubeErrorReason } from '../kube/errors.ts';
import { makeProblem, type ProblemResponse } from './problem.ts';

/** Seconds after which to try again where the cluster did not say. */
const RETRY_AFTER_SECONDS = 5;

/** What passes by itself. Any other failure is a fault of this program or of its installation. */
const PASSING: readonly KubeErrorReason[] = ['TooManyRequests', 'ServerError', 'Timeout', 'Unreachable', 'Conflict'];

/** The answer to a request whose call to Kubernetes failed for a reason that is not the client's. */
export const kubeProblem = (error: KubeError): ProblemResponse => {
  if (!PASSING.includes(error.reason)) return { problem: makeProblem('internal-error', 'Internal Server Error') };
  return {
    problem: makeProblem(
      'cluster-unavailable',
      'The Kubernetes API did not answer as it should; nothing is lost, try again',
    ),
    headers: { 'Retry-After': String(retryAfterSeconds(error)) },
  };
};

const retryAfterSeconds = ({ retryAfterMs }: KubeError): number =>
  retryAfterMs === undefined ? RETRY_AFTER_SECONDS : Math.max(1, Math.ceil(retryAfterMs / 1000));
