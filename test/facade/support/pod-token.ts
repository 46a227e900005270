import { FACADE_AUDIENCE } from '../../../src/api/names.ts';
import type { TokenReview } from '../../../src/api/token-review.ts';

export interface PodTokenClaims {
  readonly audience?: string | readonly string[];
  readonly namespace?: string;
  readonly pod?: string;
  readonly podUid?: string;
  /** Seconds since 1970. */
  readonly exp?: number;
  /** Tells tokens of the same claims apart. */
  readonly signature?: string;
}

const EXPIRES = Date.UTC(2026, 0, 1, 1) / 1000;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token as kubelet puts it into a pod, signed with a word in place of a signature. */
export const podToken = ({
  audience = FACADE_AUDIENCE,
  namespace = 'sandboxes',
  pod = 'demo',
  podUid = 'pod-of-demo',
  exp = EXPIRES,
  signature = 'right',
}: PodTokenClaims = {}): string =>
  [
    encode({ alg: 'RS256' }),
    encode({
      aud: typeof audience === 'string' ? [audience] : audience,
      exp,
      'kubernetes.io': { namespace, pod: { name: pod, uid: podUid }, serviceaccount: { name: 'default' } },
      sub: `system:serviceaccount:${namespace}:default`,
    }),
    signature,
  ].join('.');

/** What an API server answers that takes `right` for a signature: the claims are true then. */
export const reviewed = ({ spec }: Pick<TokenReview, 'spec'>): TokenReview => {
  const [, payload = '', signature] = spec.token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    readonly aud: readonly string[];
    readonly 'kubernetes.io': {
      readonly namespace: string;
      readonly pod: { readonly name: string; readonly uid: string };
    };
  };
  const { namespace, pod } = claims['kubernetes.io'];
  const audiences = spec.audiences.filter((audience) => claims.aud.includes(audience));
  if (signature !== 'right' || audiences.length === 0) {
    return { metadata: { name: '' }, spec, status: { authenticated: false, error: 'invalid bearer token' } };
  }
  return {
    metadata: { name: '' },
    spec,
    status: {
      authenticated: true,
      audiences,
      user: {
        username: `system:serviceaccount:${namespace}:default`,
        extra: {
          'authentication.kubernetes.io/pod-name': [pod.name],
          'authentication.kubernetes.io/pod-uid': [pod.uid],
        },
      },
    },
  };
};
