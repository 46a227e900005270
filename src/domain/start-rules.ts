import { ANNOTATION_POD_REVISION, LABEL_ALLOW_LIST, SANDBOX_FINALIZER } from '../api/names.ts';
import { Reason } from '../api/reasons.ts';
import { rfc3339 } from '../base/clock.ts';
import { egressPolicy, refusedTarget } from './allow-list.ts';
import { forbiddenOverride } from './allowed-overrides.ts';
import { blaming, podBlame, refusalBlame } from './blame.ts';
import { coldLeftBehind, uploadMessage } from './cold-mounted.ts';
import { desiredPod } from './desired-pod.ts';
import { desiredWorkspace } from './desired-workspace.ts';
import { leaveLostNode } from './lost-node-rule.ts';
import { release } from './release-writer.ts';
import { restartDelayMs } from './restart-delay.ts';
import { podRevision } from './pod-revision.ts';
import { replaceStandingPod } from './standing-pod-rule.ts';
import { isDeleting, seen, uidOf } from './seen.ts';
import { savingMessage, sessionTrouble } from './session-verdict.ts';
import { act, advance, type Rule, wait } from './step.ts';
import { quotaExceeded } from './user-quota.ts';
import { openCold, nextEpoch } from './writer.ts';

/** Nothing tells us when a pod without our labels goes away or a quota grows: look again after so long. */
export const RETRY_REFUSED_MS = 15_000;

const needFinalizer: Rule = ({ sandbox }) => {
  const finalizers = sandbox.metadata.finalizers ?? [];
  if (finalizers.includes(SANDBOX_FINALIZER)) return undefined;
  // Before anything else is made: what is made under it has to be let go of before the Sandbox may vanish.
  return advance(Reason.WaitingForWorkspace, 'the sandbox has just been asked for', [
    { kind: 'addSandboxFinalizer', sandbox: seen(sandbox), finalizers: [...finalizers, SANDBOX_FINALIZER] },
  ]);
};

const needValidUser: Rule = ({ home }) =>
  home.kind === 'invalid' ? wait(Reason.WorkspaceMismatch, home.message) : undefined;

/** Whatever took the pod away: with restartPolicy Never nobody wants another. */
const endWithPod: Rule = ({ sandbox, run, podView, now }) => {
  if (sandbox.spec.restartPolicy !== 'Never' || run.kind !== 'going' || run.run.podUid === undefined) return undefined;
  if (podView.kind === 'live' && uidOf(podView.pod) === run.run.podUid) return undefined;
  const why = podView.kind === 'ended' ? ` (${podView.why})` : '';
  return {
    ...wait(Reason.Stopping, `its pod is lost${why}, and spec.restartPolicy is Never: the sandbox ends`, 0),
    endsRun: { by: Reason.PodLost, at: rfc3339(now) },
  };
};

/**
 * A pod whose epoch is over cannot save: its home is unmounted, fenced, or never will be ours. It has to go, and the
 * next pod gets the next epoch. The caches of pods and workspaces lag independently, so the deletion asks first.
 */
const loseFencedPod: Rule = ({ home, podView, writer, workspace, sandbox }) => {
  if (home.kind !== 'workspace' || podView.kind !== 'live') return undefined;
  if (writer.kind === 'ours' && writer.session.kind !== 'final') return undefined;
  const conflict =
    writer.kind === 'ours' && writer.session.kind === 'final' && writer.session.session.state === 'Conflict';
  const why = conflict
    ? `another writer has published a newer state of workspace ${home.name}`
    : `the pod no longer holds workspace ${home.name}`;
  const unchanged =
    workspace === undefined
      ? ({ kind: 'workspaceAbsent', name: home.name } as const)
      : ({ kind: 'workspaceUnchanged', workspace: seen(workspace) } as const);
  const uid = uidOf(podView.pod);
  return act(
    Reason.Fenced,
    `${why}; the pod is replaced`,
    [{ kind: 'deletePod', name: sandbox.metadata.name, uid, assuming: [unchanged] }],
    { uid, why },
  );
};

const awaitTerminatingPod: Rule = ({ podView, writer }) => {
  if (podView.kind !== 'terminating') return undefined;
  if (writer.kind === 'ours' && writer.session.kind === 'active' && writer.session.session.state === 'Saving') {
    const { session } = writer.session;
    const { reason, message } = sessionTrouble(session, Reason.SavingWorkspace, savingMessage(session));
    return wait(reason, `the pod is ending; ${message}`);
  }
  return wait(Reason.PodTerminating, 'the pod is ending; another follows');
};

const replaceEndedPod: Rule = ({ podView, sandbox }) => {
  if (podView.kind !== 'ended') return undefined;
  const uid = uidOf(podView.pod);
  return act(
    Reason.PodFailed,
    `the pod has ended and is replaced (${podView.why})`,
    [{ kind: 'deletePod', name: sandbox.metadata.name, uid, assuming: [] }],
    { uid, why: podView.why },
  );
};

/** The pod is gone, but its node still has the home: that comes first, however long it takes. */
const awaitSession: Rule = ({ podView, writer }) => {
  if (podView.kind === 'live' || writer.kind !== 'ours' || writer.session.kind !== 'active') return undefined;
  const { session } = writer.session;
  const { reason, message } = sessionTrouble(session, Reason.SavingWorkspace, savingMessage(session));
  return wait(reason, `the previous pod is gone; ${message}`);
};

/** The same for cold storage: what the previous pod wrote to it must be in the bucket before another sees it. */
const awaitUpload: Rule = ({ podView, writer }) => {
  const cold = writer.kind === 'ours' ? openCold(writer.cold) : undefined;
  if (podView.kind === 'live' || cold === undefined) return undefined;
  return wait(Reason.SavingWorkspace, `the previous pod is gone; ${uploadMessage(cold)}`);
};

const releaseSpentEpoch: Rule = (situation) => {
  const { podView, writer } = situation;
  if (podView.kind === 'live' || writer.kind !== 'ours' || writer.session.kind !== 'final') return undefined;
  return {
    ready: { status: 'False', reason: Reason.WaitingForWorkspace, message: 'the next pod gets the workspace anew' },
    actions: release(situation),
    status: 'before',
    requeueAfterMs: 0,
  };
};

const needFreeName: Rule = ({ podView, sandbox }) =>
  podView.kind === 'foreign'
    ? wait(
        Reason.PodNameTaken,
        `a pod named ${sandbox.metadata.name} exists and belongs to ${podView.owner}; delete it or give the sandbox another name`,
        RETRY_REFUSED_MS,
      )
    : undefined;

const needTemplate: Rule = ({ podView, template, sandbox }) =>
  podView.kind === 'absent' && template === undefined
    ? wait(
        Reason.TemplateNotFound,
        `there is no SandboxTemplate ${sandbox.spec.templateRef.name} in this namespace; create it or change spec.templateRef.name`,
      )
    : undefined;

/** Like everything that a template says, this is asked when a pod is made, and disturbs none that is there. */
const needAllowedOverrides: Rule = ({ podView, template, sandbox }) => {
  if (podView.kind !== 'absent' || template === undefined) return undefined;
  const forbidden = forbiddenOverride(sandbox, template);
  return forbidden === undefined
    ? undefined
    : wait(
        Reason.OverrideNotAllowed,
        `SandboxTemplate ${template.metadata.name} does not allow ${forbidden}; change it, or take another template`,
      );
};

/** Whatever an operator writes, no sandbox is let to a node or to other pods. */
const needOwnNetwork: Rule = ({ podView, template, nodes }) => {
  if (podView.kind !== 'absent' || template === undefined) return undefined;
  const refused = refusedTarget(template, nodes);
  return refused === undefined
    ? undefined
    : wait(
        Reason.AllowListRefused,
        `SandboxTemplate ${template.metadata.name}: ${refused}, which no sandbox is let to; take it out of the list`,
        RETRY_REFUSED_MS,
      );
};

/** Asked of a run that begins: one whose pod has to be replaced goes on with what it had. */
const needQuota: Rule = ({ podView, run, sandbox, usage, installation }) => {
  if (podView.kind !== 'absent' || run.kind !== 'going' || run.run.readyAt !== undefined) return undefined;
  if (usage === undefined || installation?.userQuota === undefined) return undefined;
  const exceeded = quotaExceeded(sandbox.spec.userId, usage, installation.userQuota);
  return exceeded === undefined ? undefined : wait(Reason.QuotaExceeded, exceeded, RETRY_REFUSED_MS);
};

const needPatience: Rule = ({ podView, sandbox, template, now }) => {
  if (podView.kind !== 'absent') return undefined;
  const failures = sandbox.status?.podFailures;
  const delayMs = restartDelayMs(failures, now);
  if (failures === undefined || delayMs === 0) return undefined;
  const { count, why } = failures;
  const last = why === undefined ? '' : ` (the last: ${why})`;
  const message = `${count} pods in a row have failed${last}; the next one is made at ${rfc3339(now + delayMs)}`;
  return wait(Reason.PodFailed, blaming(message, podBlame({ sandbox, template }, why ?? '')), delayMs);
};

const needWorkspace: Rule = ({ home, workspace, podView, sandbox }) => {
  if (home.kind !== 'workspace' || podView.kind !== 'absent') return undefined;
  const { name } = home;
  if (workspace === undefined) {
    return advance(Reason.WaitingForWorkspace, `workspace ${name} is being made`, [
      { kind: 'createWorkspace', workspace: desiredWorkspace(sandbox, name) },
      { kind: 'emitEvent', type: 'Normal', reason: 'WorkspaceCreated', note: `created workspace ${name}` },
    ]);
  }
  const { spec } = workspace;
  if (spec.userId === sandbox.spec.userId && spec.name === sandbox.spec.workspace.name) return undefined;
  return wait(
    Reason.WorkspaceMismatch,
    `workspace ${name} belongs to user ${spec.userId}${spec.name === undefined ? '' : `, name ${spec.name}`}, not to this sandbox's user; an administrator has to look at it`,
  );
};

const needWriter: Rule = ({ home, workspace, writer, podView, sandbox, now }) => {
  if (home.kind !== 'workspace' || workspace === undefined || podView.kind !== 'absent') return undefined;
  if (writer.kind === 'ours') return undefined;
  if (writer.kind === 'other') {
    return wait(
      Reason.WorkspaceInUse,
      `workspace ${home.name} is in use by sandbox ${writer.writer.sandbox}; this one starts when that has let go of it`,
    );
  }
  if (isDeleting(workspace)) return wait(Reason.WaitingForWorkspace, `workspace ${home.name} is being deleted`);
  const epoch = nextEpoch(workspace);
  return advance(Reason.WaitingForWorkspace, `workspace ${home.name} is being taken`, [
    {
      kind: 'acquireWriter',
      workspace: seen(workspace),
      writer: { sandbox: sandbox.metadata.name, uid: uidOf(sandbox), epoch, acquiredAt: rfc3339(now) },
    },
  ]);
};

const needPod: Rule = ({ podView, template, refusal, sandbox, installation, workspace, nodes }) => {
  if (podView.kind !== 'absent' || template === undefined) return undefined;
  if (refusal !== undefined) {
    const { reason, message } = refusal;
    const fields = reason === 'PodNameTaken' ? [] : refusalBlame({ sandbox, template }, message);
    return wait(reason, blaming(message, fields), RETRY_REFUSED_MS);
  }
  const isColdElsewhere = coldLeftBehind(workspace, nodes) !== undefined;
  const wanted = desiredPod(sandbox, template, isColdElsewhere ? { ...installation, hasCold: false } : installation);
  const annotations = { [ANNOTATION_POD_REVISION]: podRevision(sandbox, template) };
  const egress = egressPolicy(sandbox, template, nodes);
  const labels = { ...wanted.metadata.labels, ...(egress === undefined ? {} : { [LABEL_ALLOW_LIST]: egress.key }) };
  const pod = { ...wanted, metadata: { ...wanted.metadata, labels, annotations } };
  return advance(Reason.CreatingPod, 'the pod is being made', [
    // First: nothing lets the pod out before it is there.
    ...(egress === undefined ? [] : [{ kind: 'createNetworkPolicy', policy: egress.policy } as const]),
    { kind: 'createPod', pod },
  ]);
};

/**
 * What a sandbox needs to run, in order. Each rule says what is missing and gets it. The pod's own way to readiness
 * comes after these (./pod-readiness.ts).
 */
export const START_RULES: readonly Rule[] = [
  needFinalizer,
  needValidUser,
  endWithPod,
  leaveLostNode,
  loseFencedPod,
  awaitTerminatingPod,
  replaceEndedPod,
  awaitSession,
  awaitUpload,
  releaseSpentEpoch,
  replaceStandingPod,
  needFreeName,
  needTemplate,
  needAllowedOverrides,
  needOwnNetwork,
  needQuota,
  needPatience,
  needWorkspace,
  needWriter,
  needPod,
];
