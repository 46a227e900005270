import { z } from 'zod';
import { FACADE_AUDIENCE } from '../api/names.ts';
import type { PodIdentity } from '../api/token-review.ts';

/** A token of kubelet's has about 1 kB. */
const MAX_LENGTH = 8192;

/** What Kubernetes writes into the token of a service account that is bound to a pod. */
const Claims = z.object({
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
  'kubernetes.io': z.object({ namespace: z.string(), pod: z.object({ name: z.string(), uid: z.string() }) }),
});

/** What a token says of itself. Nothing of it is proven. */
export interface ClaimedPod extends PodIdentity {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * The pod that a token for this server claims to be of, undefined where it is no such token. It tells what is worth
 * asking the API server about; whether it is true, only the API server can say.
 */
export const claimedPod = (token: string): ClaimedPod | undefined => {
  const [, payload, signature, ...more] = token.length > MAX_LENGTH ? [] : token.split('.');
  if (payload === undefined || signature === undefined || more.length > 0) return undefined;
  const parsed = Claims.safeParse(parseJson(Buffer.from(payload, 'base64url').toString('utf8')));
  if (!parsed.success) return undefined;
  const { aud, exp, 'kubernetes.io': bound } = parsed.data;
  if (![aud].flat().includes(FACADE_AUDIENCE)) return undefined;
  return { namespace: bound.namespace, pod: bound.pod.name, podUid: bound.pod.uid, expiresAt: exp * 1000 };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};
