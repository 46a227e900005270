import type { KubeObject } from '../api/meta.ts';
import { CSI_DRIVER_NAME } from '../api/names.ts';
import type { Pod } from '../api/pod.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { type PodIdentity, type TokenReview, tokenReview } from '../api/token-review.ts';
import { workspaceName } from '../api/workspace-id.ts';
import type { Workspace } from '../api/workspace.ts';
import type { Clock } from '../base/clock.ts';
import type { Tracer } from '../base/tracer.ts';
import type { KubeClient, ResourceType } from '../kube/client.ts';
import { isKubeError } from '../kube/errors.ts';
import { PODS, SANDBOXES, TOKEN_REVIEWS, WORKSPACES } from '../kube/resource-types.ts';
import type { RecentGrants } from './recent-grants.ts';
import { judgePod, judgeSandbox, judgeToken, judgeWorkspace, type Grant, type Verdict } from './publish-verdict.ts';
import { traceOfPod } from './trace-fields.ts';

export interface LookUpDeps {
  readonly kube: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
  readonly namespace: string;
  readonly node: string;
  /** Off unless given. */
  readonly tracer?: Tracer;
}

export interface VerifyDeps extends LookUpDeps {
  readonly kube: Pick<KubeClient, 'get' | 'create'>;
  readonly recent: Pick<RecentGrants, 'recall'>;
}

/** The pod's uid reaches the Sandbox's status right after the pod exists: it is usually there before kubelet asks. */
const PATIENCE: Patience = { ms: 10_000, everyMs: 250 };

export interface Verification {
  readonly verdict: Verdict<Grant>;
  /** Known as soon as the token is accepted: whom an event can be about. */
  readonly identity: PodIdentity | undefined;
}

/**
 * Proves which workspace the pod behind `token` may open: token → pod → Sandbox → Workspace, each looked up, none taken
 * from the call. Waits up to 10 s for what the controller is about to write. Throws KubeErrors: the API did not answer.
 */
export const verifyPublish = async (deps: VerifyDeps, token: string, signal: AbortSignal): Promise<Verification> => {
  const hint = podNamedIn(token, deps.namespace);
  const isKnown = hint !== undefined && deps.recent.recall(hint) !== undefined;
  const ahead = isKnown ? undefined : lookAhead(deps, hint?.pod, signal);
  const request = tokenReview(token, CSI_DRIVER_NAME);
  const review = await deps.kube.create<TokenReview>(TOKEN_REVIEWS, undefined, request, { signal });
  const bound = judgeToken(review, deps.namespace);
  if (bound.kind !== 'granted') return { verdict: bound, identity: undefined };
  const identity = bound.value;
  const recent = deps.recent.recall(identity);
  if (recent !== undefined) return { verdict: { kind: 'granted', value: recent }, identity };
  const until = deps.clock.monotonic() + PATIENCE.ms;
  const seen = await ahead;
  if (seen?.name === identity.pod) {
    const verdict = await lookUp(deps, identity, signal, seen);
    // Anything else may be so only because it was seen too early: it is looked at again, at once.
    if (verdict.kind === 'granted') return { verdict, identity };
  }
  const look = (): Promise<Verdict<Grant>> => lookUp(deps, identity, signal, undefined);
  return { verdict: await patiently(deps.clock, until, PATIENCE.everyMs, look, signal), identity };
};

/** How long is waited for what the controller is about to write, and how often is looked. Milliseconds. */
export interface Patience {
  readonly ms: number;
  readonly everyMs: number;
}

/**
 * Which workspace this pod may open, by what the API says and without its token: good for what shows nobody a file.
 * Throws KubeErrors.
 */
export const verifyPod = (
  deps: LookUpDeps,
  pod: Pod,
  { ms, everyMs }: Patience,
  signal: AbortSignal,
): Promise<Verdict<Grant>> => {
  const { name, uid = '' } = pod.metadata;
  const identity = { namespace: deps.namespace, pod: name, podUid: uid };
  const known = { name, pod, sandbox: undefined, workspace: undefined };
  const look = (): Promise<Verdict<Grant>> => lookUp(deps, identity, signal, known);
  return patiently(deps.clock, deps.clock.monotonic() + ms, everyMs, look, signal);
};

/** The first verdict that is not "not yet", or the last one before `until` (Clock.monotonic). */
const patiently = async (
  clock: Clock,
  until: number,
  everyMs: number,
  look: () => Promise<Verdict<Grant>>,
  signal: AbortSignal,
): Promise<Verdict<Grant>> => {
  for (;;) {
    const verdict = await look();
    if (verdict.kind !== 'notYet' || clock.monotonic() >= until) return verdict;
    await clock.sleep(everyMs, signal);
  }
};

/** What was looked up while the API server still examined the token. */
interface Ahead {
  readonly name: string;
  readonly pod: Pod | undefined;
  readonly sandbox: Sandbox | undefined;
  readonly workspace: Workspace | undefined;
}

/**
 * kubelet looks every 300 ms whether the volume is there, so a few round trips decide between two of its looks. Which
 * pod the token names is only a hint of what to read meanwhile: nothing is granted by it. Never rejects.
 */
const lookAhead = async (
  deps: LookUpDeps,
  name: string | undefined,
  signal: AbortSignal,
): Promise<Ahead | undefined> => {
  if (name === undefined) return undefined;
  const readHome = async () => {
    // A Sandbox's pod has the Sandbox's name.
    const sandbox = await find<Sandbox>(deps, SANDBOXES, name, signal);
    if (sandbox === undefined) return { sandbox, workspace: undefined };
    const home = workspaceName(sandbox.spec.userId, sandbox.spec.workspace?.name);
    return { sandbox, workspace: await find<Workspace>(deps, WORKSPACES, home, signal) };
  };
  try {
    const [pod, home] = await Promise.all([find<Pod>(deps, PODS, name, signal), readHome()]);
    return { name, pod, ...home };
  } catch {
    return undefined;
  }
};

/** Which pod the token says it is bound to: a hint, until the API server has said so. */
const podNamedIn = (token: string, namespace: string): PodIdentity | undefined => {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      readonly 'kubernetes.io'?: { readonly pod?: { readonly name?: unknown; readonly uid?: unknown } };
    };
    const { name, uid } = claims['kubernetes.io']?.pod ?? {};
    if (typeof name !== 'string' || !/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) return undefined;
    return { namespace, pod: name, podUid: typeof uid === 'string' ? uid : '' };
  } catch {
    return undefined;
  }
};

const lookUp = async (
  deps: LookUpDeps,
  identity: PodIdentity,
  signal: AbortSignal,
  ahead: Ahead | undefined,
): Promise<Verdict<Grant>> => {
  const pod = ahead === undefined ? await find<Pod>(deps, PODS, identity.pod, signal) : ahead.pod;
  const owner = judgePod(pod, identity, deps.node);
  if (owner.kind !== 'granted') return owner;
  const sandbox =
    ahead?.sandbox?.metadata.name === owner.value.sandbox
      ? ahead.sandbox
      : await find<Sandbox>(deps, SANDBOXES, owner.value.sandbox, signal);
  const claim = judgeSandbox(sandbox, owner.value, identity);
  if (claim.kind !== 'granted') return claim;
  const workspace =
    ahead?.workspace?.metadata.name === claim.value.workspace
      ? ahead.workspace
      : await find<Workspace>(deps, WORKSPACES, claim.value.workspace, signal);
  const epoch = judgeWorkspace(workspace, claim.value, owner.value, deps.node);
  if (epoch.kind !== 'granted') return epoch;
  const trace = pod === undefined ? {} : traceOfPod(pod, deps.tracer);
  return { kind: 'granted', value: { ...identity, ...owner.value, ...claim.value, epoch: epoch.value, ...trace } };
};

const find = async <T extends KubeObject>(
  deps: LookUpDeps,
  type: ResourceType,
  name: string,
  signal: AbortSignal,
): Promise<T | undefined> => {
  try {
    return await deps.kube.get<T>({ type, namespace: deps.namespace, name }, { signal });
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return undefined;
    throw error;
  }
};
