import type { Sandbox } from '../api/sandbox.ts';
import type { PodIdentity } from '../api/token-review.ts';
import type { Clock } from '../base/clock.ts';
import type { KubeClient } from '../kube/client.ts';
import { isKubeError, type KubeError } from '../kube/errors.ts';
import { SANDBOXES } from '../kube/resource-types.ts';
import type { Authenticator } from './authenticator.ts';
import { isSandboxName } from './find-sandbox.ts';
import { kubeProblem } from './kube-problem.ts';
import { rateLimited } from './limits/rate-limit-headers.ts';
import type { RateLimiter, RatePolicy } from './limits/rate-limiter.ts';
import { makeProblem, ProblemError } from './problem.ts';
import type { SandboxCache } from './sandbox-cache.ts';
import { claimedPod } from './sandbox-token.ts';
import { makeTokenReviews } from './token-reviews.ts';

/** A token is asked about once a minute. By claimed pod, so that nobody uses up another's. */
const REVIEWS: RatePolicy = { name: 'token-reviews', perSecond: 0.5, burst: 10 };
/** Pods that no Sandbox is known to have. By address: what a token claims may be made up anew each time. */
const UNKNOWN_PODS: RatePolicy = { name: 'unknown-pods', perSecond: 0.5, burst: 10 };

export interface SandboxAuthenticatorOptions {
  readonly kube: Pick<KubeClient, 'get' | 'create'>;
  readonly cache: Pick<SandboxCache, 'get'>;
  /** Of the Sandboxes and their pods. */
  readonly namespace: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly rateLimiter: RateLimiter;
}

/**
 * A sandbox itself, by the token that kubelet keeps in its pod for this server alone. The API server says which pod the
 * token is of; a Sandbox is asked for by no other pod than the one in its status, which only the controller writes.
 * Throws a 503 where the API server does not answer.
 */
export const sandboxAuthenticator = (options: SandboxAuthenticatorOptions): Authenticator => {
  const { namespace, clock, rateLimiter } = options;
  const review = makeTokenReviews(options.kube, clock, ({ podUid }) => {
    const verdict = rateLimiter.take(`token-reviews/${podUid}`, REVIEWS);
    if (!verdict.allowed) throw rateLimited(REVIEWS, verdict, 'This sandbox sends too many different tokens');
  });

  return async ({ secret, clientIp }, signal) => {
    const claimed = claimedPod(secret);
    if (claimed === undefined || claimed.namespace !== namespace || claimed.expiresAt <= clock.now()) return undefined;
    try {
      // A pod that no Sandbox has is not worth a review.
      if (!(await hasSandbox(options, claimed, clientIp, signal))) return undefined;
      const proven = await review(secret, claimed);
      if (proven?.namespace !== namespace || proven.pod !== claimed.pod || proven.podUid !== claimed.podUid) {
        return undefined;
      }
      return { kind: 'sandbox', sandbox: proven.pod, podUid: proven.podUid };
    } catch (error) {
      throw isKubeError(error) ? unavailable(error) : error;
    }
  };
};

/** Whether a Sandbox has that pod. One that the cache does not have (yet) is looked up, now and then. */
const hasSandbox = async (
  { kube, cache, namespace, rateLimiter }: SandboxAuthenticatorOptions,
  { pod, podUid }: PodIdentity,
  clientIp: string,
  signal: AbortSignal,
): Promise<boolean> => {
  // A Sandbox and its pod have the same name.
  if (isPodOf(cache.get(pod), podUid)) return true;
  if (!isSandboxName(pod) || !rateLimiter.take(`unknown-pods/${clientIp}`, UNKNOWN_PODS).allowed) return false;
  try {
    return isPodOf(await kube.get<Sandbox>({ type: SANDBOXES, namespace, name: pod }, { signal }), podUid);
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return false;
    throw error;
  }
};

const isPodOf = (sandbox: Sandbox | undefined, podUid: string): boolean => sandbox?.status?.podUid === podUid;

const unavailable = (error: KubeError): ProblemError =>
  new ProblemError(
    {
      problem: makeProblem(
        'cluster-unavailable',
        'Whose token this is cannot be found out now, as the Kubernetes API did not answer as it should; try again',
      ),
      headers: { 'Retry-After': '5', ...kubeProblem(error).headers },
    },
    error,
  );
