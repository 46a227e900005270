import { SANDBOX_FINALIZER } from '../api/names.ts';
import { Reason } from '../api/reasons.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { rfc3339 } from '../base/clock.ts';
import type { Assumption } from './action.ts';
import { retainedUntil } from './deadline.ts';
import { ttlSeconds } from './run-end.ts';
import type { RunView } from './run.ts';
import { isDeleting, seen, stillUnwanted, uidOf } from './seen.ts';
import { savingMessage, sessionTrouble } from './session-verdict.ts';
import { act, type Rule, type Situation, wait } from './step.ts';
import { leaveLostNode } from './lost-node-rule.ts';
import { release } from './release-writer.ts';
import { stopGraceSeconds, stopReason } from './stop-request.ts';
import { uploadMessage } from './cold-mounted.ts';
import { openCold, isReleasable } from './writer.ts';

/**
 * That a run is over is written down, on the very Sandbox that was judged, before anything is done about it: a report
 * that it is used, or a longer lifetime, comes before that and prevails, or comes after it and is too late.
 */
const announceEnd: Rule = ({ podView, sandbox, run }) => {
  if (run.kind !== 'over' || podView.kind !== 'live') return undefined;
  if (sandbox.status?.stopReason === stopReason(sandbox, run)) return undefined;
  const verdict = { status: 'False', reason: Reason.Stopping, message: endMessage(sandbox, run) } as const;
  return { ready: verdict, actions: [], status: 'after', requeueAfterMs: 0 };
};

const endMessage = (sandbox: Sandbox, run: RunView): string =>
  `${run.kind === 'over' ? `${whyOver(sandbox, run)}; ` : ''}the pod is being ended`;

const whyOver = (sandbox: Sandbox, { end: { cause, at } }: Extract<RunView, { kind: 'over' }>): string => {
  switch (cause) {
    case 'Expired':
      return `its lifetime of ${ttlSeconds(sandbox)} s was over at ${rfc3339(at)}`;
    case 'Idle':
      return `by ${rfc3339(at)} nobody had used it for spec.lifetime.idleSeconds`;
    case 'HeartbeatMissed':
      return `by ${rfc3339(at)} its heartbeats had stayed away for spec.lifetime.heartbeatSeconds`;
    case 'PodLost':
      return `by ${rfc3339(at)} its pod was lost, and spec.restartPolicy is Never`;
    default:
      return cause satisfies never;
  }
};

const endPod: Rule = ({ podView, sandbox, run }) => {
  if (podView.kind !== 'live' && podView.kind !== 'ended') return undefined;
  const uid = uidOf(podView.pod);
  const graceSeconds = stopGraceSeconds(sandbox, run);
  return act(Reason.Stopping, endMessage(sandbox, run), [
    {
      kind: 'deletePod',
      name: sandbox.metadata.name,
      uid,
      ...(graceSeconds === undefined ? {} : { graceSeconds }),
      assuming: stillUnwanted(sandbox, run),
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
  const cold = writer.kind === 'ours' ? writer.cold : undefined;
  if (cold?.state === 'Draining' && cold.unsent !== undefined) return wait(Reason.SavingWorkspace, uploadMessage(cold));
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

const awaitUpload: Rule = ({ writer }) => {
  const cold = writer.kind === 'ours' ? openCold(writer.cold) : undefined;
  return cold === undefined ? undefined : wait(Reason.SavingWorkspace, uploadMessage(cold));
};

const letGo: Rule = (situation) => {
  const { writer } = situation;
  if (writer.kind !== 'ours' || !isReleasable(writer.session, writer.cold)) return undefined;
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

/**
 * Its record was kept for as long as was asked. The deletion is refused when the Sandbox has changed since, so one that
 * somebody starts again at this moment stays.
 */
const retire: Rule = (situation) => {
  const { sandbox, now } = situation;
  const due = retainedUntil(sandbox);
  if (due === undefined || now < due) return undefined;
  return {
    ready: { status: 'False', reason: Reason.Stopping, message: 'the sandbox was listed for as long as was asked' },
    actions: [
      // A cache that lags may not know yet that a pass took the writer for it once more.
      { kind: 'deleteSandbox', sandbox: seen(sandbox), assuming: nothingIsLeft(situation) },
      {
        kind: 'emitEvent',
        type: 'Normal',
        reason: 'RetentionOver',
        note: `deleted, as it ended at ${sandbox.status?.stoppedAt} and spec.lifetime.retainSeconds is over; its workspace stays`,
      },
    ],
    status: 'skip',
    requeueAfterMs: undefined,
  };
};

const rest: Rule = ({ sandbox, run }) => {
  if (run.kind === 'over') {
    const longer = run.end.cause === 'Expired' ? 'raise spec.lifetime.ttlSeconds, or ' : '';
    return wait(
      Reason[run.end.cause],
      `${whyOver(sandbox, run)}; ${longer}set spec.desiredState to Stopped and back to Running, to start again`,
    );
  }
  return sandbox.spec.desiredState === 'Suspended'
    ? wait(Reason.Suspended, 'suspended by spec.desiredState; set it to Running to start again')
    : wait(Reason.Stopped, 'stopped by spec.desiredState; set it to Running to start again');
};

/** How a sandbox ends: pod, save, writer, and only then the finalizer, or rest until nobody asks for its record. */
export const STOP_RULES: readonly Rule[] = [
  announceEnd,
  leaveLostNode,
  endPod,
  awaitPod,
  awaitSave,
  awaitUpload,
  letGo,
  removeFinalizer,
  retire,
  rest,
];
