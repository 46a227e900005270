import { Reason } from '../api/reasons.ts';
import type { WorkspaceConflict } from '../api/workspace-conflict.ts';
import type { Action } from './action.ts';
import { type NodeLoss, suspicion } from './node-loss.ts';
import { release } from './release-writer.ts';
import { stillUnwanted, uidOf } from './seen.ts';
import { act, type Rule, type Situation, type Step, wait } from './step.ts';
import { withLost } from './workspace-conflict.ts';

/**
 * A sandbox on a node that is lost goes on without it (./node-loss.ts), in two steps that may each be the last before a
 * crash: its pod is forgotten, then its epoch is given up though nobody has said that it is saved. The API server is asked
 * right before each whether the node is still lost.
 */
export const leaveLostNode: Rule = (situation) => {
  const { loss, podView, now } = situation;
  if (loss.kind === 'none') return undefined;
  if (loss.kind === 'suspected') return wait(Reason.NodeLost, suspicion(loss, now), loss.waitMs);
  const pod = podView.kind === 'absent' || podView.kind === 'foreign' ? undefined : podView.pod;
  return pod === undefined ? giveUpEpoch(situation, loss) : forgetPod(situation, loss, uidOf(pod));
};

type Lost = Extract<NodeLoss, { kind: 'lost' }>;

const forgetPod = ({ sandbox, run }: Situation, { node }: Lost, uid: string): Step => {
  const { name } = sandbox.metadata;
  const forget: Action = {
    kind: 'deletePod',
    name,
    uid,
    forget: true,
    assuming: [...(run.kind === 'going' ? [] : stillUnwanted(sandbox, run)), { kind: 'nodeLost', node }],
  };
  const message = `node ${node} is lost; its pod is given up`;
  return act(Reason.NodeLost, message, [forget]);
};

/** Nobody can ask the node what its home holds: until it says so itself, that is an open question of the workspace. */
const conflictsWithLost = ({ workspace, writer, now }: Situation): readonly WorkspaceConflict[] | undefined =>
  workspace !== undefined && writer.kind === 'ours' && writer.session.kind === 'active'
    ? withLost(workspace, writer.session.session, now)
    : undefined;

const giveUpEpoch = (situation: Situation, { node }: Lost): Step => {
  const message = `node ${node} is lost; the workspace is taken from it, as of the last commit`;
  return {
    ready: no(message),
    actions: release(situation, [{ kind: 'nodeLost', node }], conflictsWithLost(situation)),
    status: 'before',
    requeueAfterMs: 0,
  };
};

const no = (message: string) => ({ status: 'False', reason: Reason.NodeLost, message }) as const;
