import { Reason } from '../api/reasons.ts';
import type { Action } from './action.ts';
import { type NodeLoss, suspicion } from './node-loss.ts';
import { release } from './release-writer.ts';
import { stillUnwanted, uidOf } from './seen.ts';
import { act, type Rule, type Situation, type Step, wait } from './step.ts';

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

const giveUpEpoch = (situation: Situation, { node }: Lost): Step => {
  const message = `node ${node} is lost; the workspace is taken from it, as of the last commit`;
  return {
    ready: no(message),
    actions: release(situation, [{ kind: 'nodeLost', node }]),
    status: 'before',
    requeueAfterMs: 0,
  };
};

const no = (message: string) => ({ status: 'False', reason: Reason.NodeLost, message }) as const;

/** What is told of files when their node is lost: what it had not saved cannot be known. */
export const unsavedOnLostNode = (node: string, lastCommit: string): string =>
  `what was written after ${lastCommit} is on node ${node}, which is lost: when it returns, it is saved, below conflicts/ where the workspace has gone on`;
