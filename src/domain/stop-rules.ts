import { SANDBOX_FINALIZER } from '../api/names.ts';
import { Reason } from '../api/reasons.ts';
import type { Assumption } from './action.ts';
import { isDeleting, seen, stillUnwanted, uidOf } from './seen.ts';
import { savingMessage, sessionTrouble } from './session-verdict.ts';
import { act, type Rule, type Situation, wait } from './step.ts';
import { release } from './start-rules.ts';
import { stopGraceSeconds } from './stop-request.ts';
import { isReleasable } from './writer.ts';

const endPod: Rule = ({ podView, sandbox }) => {
  if (podView.kind !== 'live' && podView.kind !== 'ended') return undefined;
  const uid = uidOf(podView.pod);
  const graceSeconds = stopGraceSeconds(sandbox);
  return act(Reason.Stopping, 'the pod is being ended', [
    {
      kind: 'deletePod',
      name: sandbox.metadata.name,
      uid,
      ...(graceSeconds === undefined ? {} : { graceSeconds }),
      assuming: stillUnwanted(sandbox),
    },
  ]);
};

const awaitPod: Rule = ({ podView, writer }) => {
  if (podView.kind !== 'terminating') return undefined;
  const session = writer.kind === 'ours' && writer.session.kind !== 'unopened' ? writer.session.session : undefined;
  if (session?.state === 'Saving') {
    const { reason, message } = sessionTrouble(session, Reason.SavingWorkspace, savingMessage(session));
    return wait(reason, message);
  }
  const isLetGo = session?.state === 'Closed' || session?.state === 'Conflict';
  return wait(
    Reason.Stopping,
    isLetGo ? 'the home is let go; the pod is about to be' : 'the processes in the pod are ending',
  );
};

const awaitSave: Rule = ({ writer }) => {
  if (writer.kind !== 'ours' || writer.session.kind !== 'active') return undefined;
  const { session } = writer.session;
  const { reason, message } = sessionTrouble(session, Reason.SavingWorkspace, savingMessage(session));
  return wait(reason, message);
};

const letGo: Rule = (situation) => {
  const { writer } = situation;
  if (writer.kind !== 'ours' || !isReleasable(writer.session)) return undefined;
  return {
    ready: { status: 'False', reason: Reason.Stopping, message: 'the workspace is being let go' },
    actions: release(situation),
    // After the release the next sandbox may open the workspace, and what ours had saved could no longer be told.
    status: 'before',
    requeueAfterMs: 0,
  };
};

const removeFinalizer: Rule = (situation) => {
  const { sandbox } = situation;
  if (!isDeleting(sandbox)) return undefined;
  const finalizers = (sandbox.metadata.finalizers ?? []).filter((finalizer) => finalizer !== SANDBOX_FINALIZER);
  const action = { kind: 'removeSandboxFinalizer', sandbox: seen(sandbox), finalizers } as const;
  return {
    ready: { status: 'False', reason: Reason.Stopping, message: 'nothing of the sandbox is left' },
    actions: [{ ...action, assuming: nothingIsLeft(situation) }],
    status: 'skip',
    requeueAfterMs: undefined,
  };
};

const nothingIsLeft = ({ home, workspace, sandbox }: Situation): readonly Assumption[] => {
  const noPod: Assumption = { kind: 'noPodOf', podName: sandbox.metadata.name, sandboxUid: uidOf(sandbox) };
  if (home.kind !== 'workspace') return [noPod];
  if (workspace === undefined) return [noPod, { kind: 'workspaceAbsent', name: home.name }];
  return [noPod, { kind: 'workspaceUnchanged', workspace: seen(workspace) }];
};

const rest: Rule = ({ sandbox }) =>
  sandbox.spec.desiredState === 'Suspended'
    ? wait(Reason.Suspended, 'suspended by spec.desiredState; set it to Running to start again')
    : wait(Reason.Stopped, 'stopped by spec.desiredState; set it to Running to start again');

/** How a sandbox ends: pod, save, writer, and only then the finalizer. */
export const STOP_RULES: readonly Rule[] = [endPod, awaitPod, awaitSave, letGo, removeFinalizer, rest];
