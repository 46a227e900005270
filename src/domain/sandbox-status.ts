import type { Condition } from '../api/condition.ts';
import type { Pod } from '../api/pod.ts';
import { SandboxConditionType } from '../api/reasons.ts';
import type { SandboxStatus } from '../api/sandbox.ts';
import { rfc3339 } from '../base/clock.ts';
import { coldMounted } from './cold-mounted.ts';
import { lastHeartbeat } from './heartbeat.ts';
import { phaseOf } from './phase.ts';
import { isEnded, progressConditions, standingCondition } from './progress-conditions.ts';
import { stopReason } from './stop-request.ts';
import { countFailure } from './restart-delay.ts';
import { runExpiry } from './run-end.ts';
import { notAfter } from './run.ts';
import { uidOf } from './seen.ts';
import { condition } from './set-condition.ts';
import { inTime, troubleOf } from './trouble.ts';
import type { Situation, Step, Verdict } from './step.ts';
import { workspaceRestored } from './workspace-restored.ts';
import { workspaceSaved } from './workspace-saved.ts';

/** The whole status, as `situation` and the step that follows from it make it. */
export const sandboxStatus = (situation: Situation, step: Step): SandboxStatus => {
  const { sandbox, now } = situation;
  const before = sandbox.status;
  const podFailures = step.failedPod === undefined ? before?.podFailures : countFailure(before, step.failedPod, now);
  const lastHeartbeatTime = lastHeartbeat(situation);
  const workspace = workspacePart(situation);
  const trouble = troubleOf(situation, step.ready);
  const ready = inTime(situation, step.ready, trouble);
  return {
    observedGeneration: sandbox.metadata.generation ?? 0,
    phase: phaseOf(situation, ready),
    ...(situation.run.kind === 'going' ? {} : { stopReason: stopReason(sandbox, situation.run) }),
    conditions: conditions(situation, ready),
    ...podPart(situation),
    ...times(situation, ready),
    ...(podFailures === undefined ? {} : { podFailures }),
    ...(trouble === undefined ? {} : { trouble }),
    ...runPart(situation, step),
    ...(lastHeartbeatTime === undefined ? {} : { lastHeartbeatTime }),
    ...(workspace === undefined ? {} : { workspace }),
  };
};

const conditions = (situation: Situation, ready: Verdict): readonly Condition[] & Condition[] => {
  const { sandbox, now } = situation;
  const verdicts: readonly (readonly [string, Verdict])[] = [
    standingCondition(ready),
    [SandboxConditionType.WorkspaceRestored, workspaceRestored(situation)],
    [SandboxConditionType.WorkspaceSaved, workspaceSaved(situation)],
    ...coldConditions(situation),
    ...progressConditions(ready),
  ];
  return verdicts.map(([type, verdict]) =>
    condition(type, verdict, sandbox.status?.conditions, sandbox.metadata.generation ?? 0, now),
  );
};

/** Where cold storage is no part of the sandbox, nothing is said of it. */
const coldConditions = (situation: Situation): readonly (readonly [string, Verdict])[] => {
  const verdict = coldMounted(situation);
  return verdict === undefined ? [] : [[SandboxConditionType.ColdMounted, verdict]];
};

const ourPod = ({ podView }: Situation): Pod | undefined =>
  podView.kind === 'absent' || podView.kind === 'foreign' ? undefined : podView.pod;

const podPart = (situation: Situation): Partial<SandboxStatus> => {
  const pod = ourPod(situation);
  if (pod === undefined) return {};
  const podIP = pod.status?.podIP;
  const node = pod.spec?.nodeName;
  return {
    podName: pod.metadata.name,
    podUid: uidOf(pod),
    ...(podIP === undefined ? {} : { podIP }),
    ...(node === undefined ? {} : { node }),
  };
};

/** `startedAt` belongs to one pod: set when it first is ready, kept while it lives and after it has gone. */
const times = (situation: Situation, ready: Verdict): Partial<SandboxStatus> => {
  const { sandbox, now } = situation;
  const before = sandbox.status;
  const pod = ourPod(situation);
  const isNewPod = pod !== undefined && before?.podUid !== uidOf(pod);
  const startedAt = (isNewPod ? undefined : before?.startedAt) ?? (ready.status === 'True' ? rfc3339(now) : undefined);
  const stoppedAt = isEnded(ready) ? notAfter(now, before?.stoppedAt ?? rfc3339(now)) : undefined;
  return {
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(stoppedAt === undefined ? {} : { stoppedAt }),
  };
};

const runPart = (
  { sandbox, run: view, podView, now }: Situation,
  { ready, endsRun: ended, forgetsPod }: Step,
): Partial<SandboxStatus> => {
  if (view.kind === 'none') return {};
  const { podUid, ...begun } = view.run;
  const { readyAt } = begun;
  const isNever = sandbox.spec.restartPolicy === 'Never' && forgetsPod !== true;
  const isItsFirst = isNever && podView.kind === 'live' && podUid === undefined;
  const run = {
    ...(forgetsPod === true ? begun : view.run),
    ...(ready.status === 'True' && readyAt === undefined ? { readyAt: rfc3339(now) } : {}),
    ...(isItsFirst ? { podUid: uidOf(podView.pod) } : {}),
    ...(ended === undefined ? {} : { ended }),
  };
  const expiresAt = runExpiry(run, sandbox);
  return { run, ...(expiresAt === undefined ? {} : { expiresAt: rfc3339(expiresAt) }) };
};

/** What is told of the workspace is frozen when the writer is given up: from then on it is the next one's. */
const workspacePart = ({ sandbox, workspace, home, writer }: Situation): SandboxStatus['workspace'] => {
  const before = sandbox.status?.workspace;
  if (home.kind !== 'workspace') return undefined;
  if (writer.kind !== 'ours') return before ?? { name: home.name };
  const head = workspace?.status?.head;
  return {
    name: home.name,
    epoch: writer.writer.epoch,
    ...(head === undefined ? {} : { sequence: head.sequence, savedAt: head.committedAt }),
  };
};
