import type { KubeObject } from './meta.ts';

/** authentication.k8s.io/v1 TokenReview, as far as it is read. */
export interface TokenReview extends KubeObject {
  readonly spec: { readonly token: string; readonly audiences: readonly string[] };
  readonly status?: {
    readonly authenticated?: boolean;
    readonly audiences?: readonly string[];
    readonly error?: string;
    readonly user?: { readonly username?: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
  };
}

/** What to create to ask the API server whose token this is; the answer is the same object with its status. */
export const tokenReview = (token: string, audience: string): TokenReview => ({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenReview',
  metadata: {} as KubeObject['metadata'],
  spec: { token, audiences: [audience] },
});

/** The pod that a token is bound to: proven by the API server, not by what a call says. */
export interface PodIdentity {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
}

export type BoundPod =
  ({ readonly kind: 'bound' } & PodIdentity) | { readonly kind: 'rejected'; readonly message: string };

/** Which pod the reviewed token proves, if the token was made for `audience` and no other. */
export const boundPod = ({ status }: TokenReview, audience: string): BoundPod => {
  if (status?.authenticated !== true || status.audiences?.includes(audience) !== true) {
    const message = `the API server does not accept the pod's token: ${status?.error ?? 'no reason'}`;
    return { kind: 'rejected', message };
  }
  const extra = status.user?.extra ?? {};
  const pod = extra['authentication.kubernetes.io/pod-name']?.[0];
  const podUid = extra['authentication.kubernetes.io/pod-uid']?.[0];
  const namespace = /^system:serviceaccount:([^:]+):[^:]+$/.exec(status.user?.username ?? '')?.[1];
  if (pod === undefined || podUid === undefined || namespace === undefined) {
    return { kind: 'rejected', message: 'the token is not bound to a pod' };
  }
  return { kind: 'bound', namespace, pod, podUid };
};
