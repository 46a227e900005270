import { CSI_DRIVER_NAME, API_GROUP } from '../api/names.ts';
import type { Pod } from '../api/pod.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { boundPod, type PodIdentity, type TokenReview } from '../api/token-review.ts';
import { workspaceName, workspacePrefix } from '../api/workspace-id.ts';
import type { Workspace } from '../api/workspace.ts';

/** Why a pod does not get a workspace. A closed set: it is also the reason of the event on the pod. */
export type RefusalReason =
  | 'TokenRejected'
  | 'ForeignNamespace'
  | 'PodNotFound'
  | 'OtherNode'
  | 'NotASandboxPod'
  | 'SandboxNotFound'
  | 'NotTheSandboxsPod'
  | 'NoWorkspace'
  | 'OtherUsersWorkspace'
  | 'OtherWriter'
  | 'SessionOver';

/** The right to open one epoch of one workspace for one pod. */
export interface Grant {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly sandbox: string;
  readonly sandboxUid: string;
  readonly userId: string;
  readonly workspace: string;
  readonly prefix: string;
  readonly epoch: number;
  /** In which trace the pod was made (./trace-fields.ts); opens nothing. */
  readonly traceparent?: string | undefined;
}

export type Verdict<T> =
  | { readonly kind: 'granted'; readonly value: T }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly message: string }
  /** Nothing is wrong yet: the controller has not got so far. */
  | { readonly kind: 'notYet'; readonly message: string };

const granted = <T>(value: T): Verdict<T> => ({ kind: 'granted', value });
const refused = (reason: RefusalReason, message: string): Verdict<never> => ({ kind: 'refused', reason, message });
const notYet = (message: string): Verdict<never> => ({ kind: 'notYet', message });

export const judgeToken = (review: TokenReview, namespace: string): Verdict<PodIdentity> => {
  const bound = boundPod(review, CSI_DRIVER_NAME);
  if (bound.kind === 'rejected') return refused('TokenRejected', bound.message);
  const { kind: _, ...identity } = bound;
  if (identity.namespace !== namespace) {
    return refused(
      'ForeignNamespace',
      `pod ${identity.namespace}/${identity.pod} cannot mount a workspace: only the pods of Sandboxes in namespace ${namespace} can`,
    );
  }
  return granted(identity);
};

/** Which Sandbox the pod says it belongs to. A claim only: whoever makes a pod may write any owner into it. */
export const judgePod = (
  pod: Pod | undefined,
  identity: PodIdentity,
  node: string,
): Verdict<{ readonly sandbox: string; readonly sandboxUid: string }> => {
  if (pod?.metadata.uid !== identity.podUid) {
    return refused('PodNotFound', `pod ${identity.pod} with uid ${identity.podUid} does not exist any more`);
  }
  if (pod.spec?.nodeName !== node) {
    return refused('OtherNode', `pod ${identity.pod} runs on node ${String(pod.spec?.nodeName)}, not on ${node}`);
  }
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (owner?.kind !== 'Sandbox' || owner.apiVersion.split('/')[0] !== API_GROUP) {
    return refused(
      'NotASandboxPod',
      `pod ${identity.pod} was not made for a Sandbox: create a Sandbox to get a pod with a workspace`,
    );
  }
  return granted({ sandbox: owner.name, sandboxUid: owner.uid });
};

export interface WorkspaceClaim {
  readonly userId: string;
  readonly workspace: string;
  readonly prefix: string;
}

/** The Sandbox's status decides which pod is its own; only the controller writes it. */
export const judgeSandbox = (
  sandbox: Sandbox | undefined,
  claimed: { readonly sandbox: string; readonly sandboxUid: string },
  identity: PodIdentity,
): Verdict<WorkspaceClaim> => {
  if (sandbox?.metadata.uid !== claimed.sandboxUid) {
    return refused('SandboxNotFound', `Sandbox ${claimed.sandbox} with uid ${claimed.sandboxUid} does not exist`);
  }
  const recorded = sandbox.status?.podUid;
  if (recorded === undefined) return notYet(`Sandbox ${claimed.sandbox} has not recorded its pod yet`);
  if (recorded !== identity.podUid || sandbox.status?.podName !== identity.pod) {
    return refused(
      'NotTheSandboxsPod',
      `pod ${identity.pod} is not the pod of Sandbox ${claimed.sandbox}: that is ${String(sandbox.status?.podName)} (uid ${recorded})`,
    );
  }
  if (sandbox.spec.workspace?.ephemeral) {
    return refused('NoWorkspace', `Sandbox ${claimed.sandbox} is ephemeral: it has no workspace to mount`);
  }
  const { userId } = sandbox.spec;
  const name = sandbox.spec.workspace?.name;
  return granted({ userId, workspace: workspaceName(userId, name), prefix: workspacePrefix(userId, name) });
};

/** The writer lock decides which epoch may be opened, and where. */
export const judgeWorkspace = (
  workspace: Workspace | undefined,
  claim: WorkspaceClaim,
  sandbox: { readonly sandbox: string; readonly sandboxUid: string },
  node: string,
): Verdict<number> => {
  if (workspace === undefined) return refused('NoWorkspace', `Workspace ${claim.workspace} does not exist`);
  if (workspace.spec.userId !== claim.userId) {
    return refused(
      'OtherUsersWorkspace',
      `Workspace ${claim.workspace} belongs to user ${JSON.stringify(workspace.spec.userId)}, not to ${JSON.stringify(claim.userId)}`,
    );
  }
  const writer = workspace.status?.writer;
  if (writer === undefined) {
    return notYet(`Workspace ${claim.workspace} has no writer: Sandbox ${sandbox.sandbox} has to acquire it first`);
  }
  if (writer.uid !== sandbox.sandboxUid) {
    return refused('OtherWriter', `Workspace ${claim.workspace} is held by Sandbox ${writer.sandbox}`);
  }
  const session = workspace.status?.session;
  if (session?.epoch !== writer.epoch) return granted(writer.epoch);
  if (session.state === 'Closed' || session.state === 'Conflict') {
    return refused(
      'SessionOver',
      `epoch ${writer.epoch} of Workspace ${claim.workspace} is ${session.state}: a new pod needs a new epoch`,
    );
  }
  if (session.node !== node) {
    return notYet(`epoch ${writer.epoch} of Workspace ${claim.workspace} is still ${session.state} on ${session.node}`);
  }
  return granted(writer.epoch);
};
