import { createHash } from 'node:crypto';
import { FACADE_AUDIENCE } from '../api/names.ts';
import { boundPod, type PodIdentity, type TokenReview, tokenReview } from '../api/token-review.ts';
import type { Clock } from '../base/clock.ts';
import type { KubeClient } from '../kube/client.ts';
import { TOKEN_REVIEWS } from '../kube/resource-types.ts';
import type { ClaimedPod } from './sandbox-token.ts';

/** The pod that a token proves, undefined where the API server does not accept it. Throws a KubeError. */
export type ReviewToken = (token: string, claimed: ClaimedPod) => Promise<PodIdentity | undefined>;

/** How long an answer counts: so long, at most, a token that was revoked is still taken. */
const TTL_MS = 60_000;
/** One per sandbox that speaks up within a minute. */
const MAX_KEPT = 20_000;

interface Answer {
  readonly until: number;
  readonly identity: PodIdentity | undefined;
}

/**
 * Asks the API server whose a token is, once a minute and token; requests that come while it is asked wait for the same
 * answer. Only hashes of tokens are kept. An outage is no answer, and not kept. `admit` may throw before it is asked.
 */
export const makeTokenReviews = (
  kube: Pick<KubeClient, 'create'>,
  clock: Pick<Clock, 'now'>,
  admit: (claimed: ClaimedPod) => void,
): ReviewToken => {
  const answers = new Map<string, Answer>();
  const asked = new Map<string, Promise<PodIdentity | undefined>>();

  const keep = (hash: string, answer: Answer): void => {
    const now = clock.now();
    for (const [known, { until }] of answers) {
      // They are in the order of their coming, and live about as long: the first that counts ends the search.
      if (until > now && answers.size < MAX_KEPT) break;
      answers.delete(known);
    }
    answers.set(hash, answer);
  };

  const ask = async (hash: string, token: string, claimed: ClaimedPod): Promise<PodIdentity | undefined> => {
    const startedAt = clock.now();
    const review = await kube.create<TokenReview>(TOKEN_REVIEWS, undefined, tokenReview(token, FACADE_AUDIENCE));
    const bound = boundPod(review, FACADE_AUDIENCE);
    const identity =
      bound.kind === 'bound' ? { namespace: bound.namespace, pod: bound.pod, podUid: bound.podUid } : undefined;
    keep(hash, { identity, until: Math.min(startedAt + TTL_MS, claimed.expiresAt) });
    return identity;
  };

  return async (token, claimed) => {
    const hash = createHash('sha256').update(token).digest('base64');
    const known = answers.get(hash);
    if (known !== undefined && clock.now() < known.until) return known.identity;
    answers.delete(hash);
    let asking = asked.get(hash);
    if (asking === undefined) {
      admit(claimed);
      asking = ask(hash, token, claimed).finally(() => asked.delete(hash));
      asked.set(hash, asking);
    }
    return asking;
  };
};
