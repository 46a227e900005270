import type { Pod } from '../api/pod.ts';
import { Reason } from '../api/reasons.ts';
import { blaming, containerBlame, imageBlame, schedulingBlame } from './blame.ts';
import { type ContainerTrouble, containerTrouble, isPodReady, podCondition } from './pod-view.ts';
import { sessionTrouble } from './session-verdict.ts';
import type { Situation, Verdict } from './step.ts';

const no = (reason: Verdict['reason'], message: string): Verdict => ({ status: 'False', reason, message });

/** How far a live pod of ours has come: scheduled, home restored, image pulled, containers up. */
export const podReadiness = (situation: Situation, pod: Pod): Verdict => {
  const scheduled = podCondition(pod, 'PodScheduled');
  if (scheduled?.status === 'False') {
    const why = scheduled.message ?? scheduled.reason ?? 'no node takes the pod';
    return no(Reason.Unschedulable, blaming(why, schedulingBlame(situation, why)));
  }
  if (pod.spec?.nodeName === undefined) return no(Reason.CreatingPod, 'the pod waits for a node');
  const restoring = situation.home.kind === 'workspace' ? restoreVerdict(situation, pod.spec.nodeName) : undefined;
  if (restoring !== undefined) return restoring;
  const trouble = containerTrouble(pod);
  if (trouble !== undefined) return troubleVerdict(situation, trouble);
  if (isPodReady(pod)) return { status: 'True', reason: Reason.PodReady, message: 'the sandbox is running' };
  if (pod.status?.phase === 'Running') {
    return no(Reason.PodNotReady, podCondition(pod, 'Ready')?.message ?? 'the container runs and is not ready');
  }
  return no(Reason.ContainersStarting, 'the home is there; the container is being started');
};

const troubleVerdict = (situation: Situation, { kind, message, isPermanent }: ContainerTrouble): Verdict => {
  if (kind === 'container') return no(Reason.ContainerFailing, blaming(message, containerBlame(situation, message)));
  const verdict = no(Reason.ImagePullFailed, blaming(message, imageBlame(situation, message)));
  return isPermanent ? { ...verdict, needsPerson: true } : verdict;
};

/** Undefined once the home is open: a container never runs in a half-restored one. */
const restoreVerdict = ({ writer }: Situation, node: string): Verdict | undefined => {
  if (writer.kind !== 'ours') return no(Reason.WaitingForWorkspace, 'the pod does not hold the workspace');
  const { session: view } = writer;
  if (view.kind === 'unopened') return no(Reason.RestoringWorkspace, `node ${node} has yet to open the workspace`);
  const { session } = view;
  if (view.kind === 'final') return no(Reason.Fenced, 'the pod no longer holds the workspace');
  if (session.state === 'Open') return undefined;
  if (session.state === 'Saving') {
    const { reason, message } = sessionTrouble(session, Reason.SavingWorkspace, 'the home is being saved');
    return no(reason, message);
  }
  const { reason, message } = sessionTrouble(
    session,
    Reason.RestoringWorkspace,
    `the home is being restored on node ${session.node}`,
  );
  return no(reason, message);
};
