import { standingOf } from '../api/standing.ts';
import type { Action, Assumption } from './action.ts';

/** What an action does, as a sentence without its subject, for people: `create the pod demo`. */
export const describeAction = (action: Action): string => {
  switch (action.kind) {
    case 'addSandboxFinalizer':
      return `put the finalizer on the Sandbox ${action.sandbox.name}, so that it outlives its unsaved files`;
    case 'removeSandboxFinalizer':
      return `take the finalizer off the Sandbox ${action.sandbox.name}${provided(action.assuming)}`;
    case 'deleteSandbox':
      return `delete the record of the finished Sandbox ${action.sandbox.name}${provided(action.assuming)}`;
    case 'createWorkspace':
      return `create the Workspace ${action.workspace.metadata.name}`;
    case 'acquireWriter':
      return `make the Sandbox ${action.writer.sandbox} the writer of the Workspace ${action.workspace.name}, epoch ${action.writer.epoch}`;
    case 'releaseWriter':
      return `give up the Workspace ${action.workspace.name}, epoch ${action.epoch}${provided(action.assuming)}`;
    case 'requestPurge':
      return `ask the node drivers to delete all that the Workspace ${action.workspace.name} has in the bucket`;
    case 'createNetworkPolicy':
      return `create the NetworkPolicy ${action.policy.metadata.name}, unless it is there`;
    case 'createPod':
      return `create the pod ${action.pod.metadata.name}`;
    case 'deletePod': {
      const how = action.forget === true ? 'forget the pod' : 'delete the pod';
      const grace = action.graceSeconds === undefined ? '' : `, with ${action.graceSeconds} s until it is killed`;
      return `${how} ${action.name}${grace}${provided(action.assuming)}`;
    }
    case 'writeSandboxStatus': {
      const standing = standingOf(action.status.conditions);
      const says = standing === undefined ? '' : `: ${standing.type}=${standing.status}, ${standing.reason}`;
      return `write the status of the Sandbox ${action.sandbox.name}${says}`;
    }
    case 'addWorkspaceFinalizer':
      return `put the finalizer on the Workspace ${action.workspace.name}`;
    case 'removeWorkspaceFinalizer':
      return `take the finalizer off the Workspace ${action.workspace.name}`;
    case 'writeWorkspaceConditions':
      return `write the conditions of the Workspace ${action.workspace.name}`;
    case 'emitEvent':
      return `tell the event ${action.reason} (${action.type}): ${action.note}`;
    case 'requeue':
      return action.afterMs === 0 ? 'look again at once' : `look again in ${Math.ceil(action.afterMs / 1000)} s`;
    default:
      return action satisfies never;
  }
};

const provided = (assumptions: readonly Assumption[]): string =>
  assumptions.length === 0 ? '' : `, provided that ${assumptions.map(describeAssumption).join(' and ')}`;

const describeAssumption = (assumption: Assumption): string => {
  switch (assumption.kind) {
    case 'workspaceUnchanged':
      return `the Workspace ${assumption.workspace.name} is as it was seen`;
    case 'workspaceAbsent':
      return `there is no Workspace ${assumption.name}`;
    case 'sandboxSpecUnchanged':
      return `the spec of the Sandbox ${assumption.name} is as it was seen`;
    case 'sandboxUnchanged':
      return `the Sandbox ${assumption.sandbox.name} is as it was seen`;
    case 'sandboxGone':
      return `the Sandbox ${assumption.name} is gone`;
    case 'nodeLost':
      return `the node ${assumption.node} is lost`;
    case 'noPodOf':
      return `there is no pod ${assumption.podName} of it`;
    default:
      return assumption satisfies never;
  }
};
