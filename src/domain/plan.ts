import { SANDBOX_FINALIZER } from '../api/names.ts';
import { Reason } from '../api/reasons.ts';
import type { SandboxStatus } from '../api/sandbox.ts';
import { sameJson } from '../base/json.ts';
import type { Action } from './action.ts';
import { deadlineMs } from './deadline.ts';
import { heldBackMs } from './hold-back.ts';
import { homeOf } from './home.ts';
import { nodeLoss } from './node-loss.ts';
import type { Observed } from './observed.ts';
import { podReadiness } from './pod-readiness.ts';
import { podView } from './pod-view.ts';
import { runView } from './run.ts';
import { sandboxStatus } from './sandbox-status.ts';
import { isDeleting, seen } from './seen.ts';
import { START_RULES } from './start-rules.ts';
import { firstStep, type Situation, type Step, wait } from './step.ts';
import { STOP_RULES } from './stop-rules.ts';
import { troubleDueMs } from './trouble.ts';
import { transitionEvents } from './transition-events.ts';
import { writerView } from './writer.ts';

/**
 * What to do about one Sandbox, given what is seen of it: pure and total. An empty answer means that nothing is to be
 * done until something changes.
 */
export const plan = (observed: Observed): readonly Action[] => {
  const { sandbox } = observed;
  // Deleted, and ours no longer: whoever still holds it is somebody else's business.
  if (isDeleting(sandbox) && !(sandbox.metadata.finalizers ?? []).includes(SANDBOX_FINALIZER)) return [];
  const pod = podView(observed.pod, sandbox);
  const writer = writerView(observed.workspace, sandbox);
  const situation: Situation = {
    ...observed,
    run: runView(sandbox, observed.now),
    home: homeOf(sandbox),
    podView: pod,
    writer,
    loss: nodeLoss(observed, pod, writer),
  };
  const step = nextStep(situation);
  if (step.status === 'skip') return [...step.actions, ...requeue(step.requeueAfterMs)];
  const status = sandboxStatus(situation, step);
  const deadline = deadlineMs({ ...sandbox, status }, situation.run.kind, observed.now);
  const again = requeue(sooner(sooner(step.requeueAfterMs, deadline), troubleDueMs(sandbox, status, observed.now)));
  const told = statusActions(situation, status);
  const held = told.length === 0 ? undefined : heldBackMs(situation, step);
  if (held !== undefined) return requeue(sooner(step.requeueAfterMs, held));
  return step.status === 'before' ? [...told, ...step.actions, ...again] : [...step.actions, ...told, ...again];
};

const requeue = (afterMs: number | undefined): readonly Action[] =>
  afterMs === undefined ? [] : [{ kind: 'requeue', afterMs }];

const sooner = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

const nextStep = (situation: Situation): Step => {
  const { run, podView: pod } = situation;
  const unexpected = wait(Reason.InternalError, 'no rule fits; the controller looks again');
  if (run.kind !== 'going') return firstStep(STOP_RULES, situation, unexpected);
  const running: Step =
    pod.kind === 'live'
      ? { ready: podReadiness(situation, pod.pod), actions: [], status: 'after', requeueAfterMs: undefined }
      : unexpected;
  return firstStep(START_RULES, situation, running);
};

/** Nothing where nothing would change: a status write wakes every watcher, this controller first. */
const statusActions = ({ sandbox }: Situation, status: SandboxStatus): readonly Action[] => {
  if (sameJson(comparable(status), comparable(sandbox.status))) return [];
  return [
    { kind: 'writeSandboxStatus', sandbox: seen(sandbox), status },
    ...transitionEvents(sandbox.status?.conditions, status),
  ];
};

/** Conditions are a map kept as a list: their order says nothing. */
const comparable = (status: SandboxStatus | undefined): unknown => ({
  ...status,
  conditions: Object.fromEntries((status?.conditions ?? []).map((condition) => [condition.type, condition])),
});
