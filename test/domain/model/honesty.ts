import { type Condition, findCondition } from '../../../src/api/condition.ts';
import { ANNOTATION_LAST_ACTIVITY, ANNOTATION_LAST_HEARTBEAT } from '../../../src/api/names.ts';
import type { Sandbox } from '../../../src/api/sandbox.ts';
import { homeOf } from '../../../src/domain/home.ts';
import { isPodReady } from '../../../src/domain/pod-view.ts';
import { writerView } from '../../../src/domain/writer.ts';
import type { Snapshot } from '../../support/model-api-server/kinds.ts';
import { must } from './broken.ts';

export const workspaceNameOf = (sandbox: Sandbox): string => {
  const home = homeOf(sandbox);
  return home.kind === 'workspace' ? home.name : '';
};

export const conditionOf = (sandbox: Sandbox, type: string): Condition | undefined =>
  findCondition(sandbox.status?.conditions, type);

/** Something that a status says, and whether it is so in a state of the world. */
export interface Claim {
  readonly says: string;
  readonly isSo: (world: Snapshot) => boolean;
}

const sessionOf = (sandbox: Sandbox, world: Snapshot) => {
  const writer = writerView(world.workspaces.get(workspaceNameOf(sandbox)), sandbox);
  return writer.kind === 'ours' && writer.session.kind !== 'unopened' ? writer.session.session : undefined;
};

/** What a Sandbox's status says that people and programs rely on. */
export const claimsOf = (sandbox: Sandbox): readonly Claim[] => {
  const { name } = sandbox.metadata;
  const isEphemeral = sandbox.spec.workspace.ephemeral;
  const claims: Claim[] = [];
  if (conditionOf(sandbox, 'Ready')?.status === 'True') {
    claims.push({
      says: 'Ready: its pod is ready, and is not ending',
      isSo: ({ pods }) => {
        const pod = pods.get(name);
        const isSame = pod?.metadata.uid === sandbox.status?.podUid;
        return pod !== undefined && isSame && isPodReady(pod) && pod.metadata.deletionTimestamp === undefined;
      },
    });
    if (!isEphemeral) {
      claims.push({ says: 'Ready: its home is open', isSo: (world) => sessionOf(sandbox, world)?.state === 'Open' });
    }
  }
  if (conditionOf(sandbox, 'Stopped') !== undefined) {
    claims.push({
      says: 'Stopped: it has no pod, and holds no home',
      isSo: ({ pods, workspaces }) =>
        pods.get(name)?.metadata.ownerReferences?.some(({ uid }) => uid === sandbox.metadata.uid) !== true &&
        writerView(workspaces.get(workspaceNameOf(sandbox)), sandbox).kind !== 'ours',
    });
  }
  if (conditionOf(sandbox, 'WorkspaceSaved')?.status === 'True') {
    claims.push({
      says: 'WorkspaceSaved: nothing of its home is on a node alone',
      isSo: (world) => {
        const session = sessionOf(sandbox, world);
        return !(session?.dirty ?? false) && session?.state !== 'Saving' && session?.state !== 'Conflict';
      },
    });
  }
  return claims;
};

/** What a status may never say, whatever the world is like. */
export const checkConsistent = (sandbox: Sandbox): void => {
  const { metadata, spec, status } = sandbox;
  must(
    (status?.observedGeneration ?? 0) <= (metadata.generation ?? 0),
    'a generation is observed before it is',
    status,
  );
  const standing = ['Ready', 'Stopped'].filter((type) => conditionOf(sandbox, type) !== undefined);
  must(status?.conditions === undefined || standing.length === 1, 'it has not one of Ready and Stopped', status);
  must(conditionOf(sandbox, 'Stopped')?.status !== 'False', 'it is said not to be Stopped', status);
  const isReady = conditionOf(sandbox, 'Ready')?.status === 'True';
  const isRestored = conditionOf(sandbox, 'WorkspaceRestored')?.status === 'True';
  must(!isReady || isRestored, 'it is Ready, and its home is not restored', status);
  const isSaved = conditionOf(sandbox, 'WorkspaceSaved')?.status === 'True';
  must(!(isSaved && spec.workspace.ephemeral), 'an ephemeral home is saved', status);
};

/** What may be said of a sandbox, given everything that is so. */
export const checkHonest = (sandbox: Sandbox, world: Snapshot): void => {
  checkConsistent(sandbox);
  for (const { says, isSo } of claimsOf(sandbox))
    must(isSo(world), `it says, and it is not so: ${says}`, sandbox.status);
};

/** Finished and saved, and its retention over. */
export const isKeptTooLong = ({ spec, status: of }: Sandbox, now: number): boolean => {
  const isFinished =
    spec.desiredState === 'Stopped' || (of?.stopReason === 'expired' && spec.lifetime.onExpire === 'Stop');
  const saved = findCondition(of?.conditions, 'WorkspaceSaved');
  const isSaved = saved?.status === 'True' || saved?.reason === 'Ephemeral';
  return isFinished && isSaved && Date.parse(of?.stoppedAt ?? '') + spec.lifetime.retainSeconds * 1000 <= now;
};

/** What one state may say of a run, given the state before. */
export const checkRun = (old: Sandbox, sandbox: Sandbox): void => {
  const { run: before, lastHeartbeatTime: heartbeatBefore } = old.status ?? {};
  const { run, expiresAt, lastHeartbeatTime } = sandbox.status ?? {};
  if (run === undefined) {
    must(lastHeartbeatTime === heartbeatBefore, 'a heartbeat is counted of no run', sandbox.status);
    return;
  }
  // A pod that is replaced adds nothing, and a heartbeat counts in the run it was sent in.
  if (before?.startedAt === run.startedAt && before.readyAt !== undefined) {
    must(run.readyAt === before.readyAt, 'a lifetime begins twice in one run', [old.status, sandbox.status]);
  }
  const isReady = conditionOf(sandbox, 'Ready')?.status === 'True';
  must(!isReady || run.readyAt !== undefined, 'it is Ready, and no time counts', sandbox.status);
  must((expiresAt === undefined) === (run.readyAt === undefined), 'an expiry is told of no run', sandbox.status);
  if (lastHeartbeatTime !== undefined) {
    must(Date.parse(lastHeartbeatTime) >= Date.parse(run.startedAt), 'a heartbeat of another run', sandbox.status);
  }
  if (run.ended !== undefined) checkEnd(old, run.startedAt, run.ended);
};

/** What ended for want of a sign had given none, as the very state before has it, and stays ended in its run. */
const checkEnd = (old: Sandbox, startedAt: string, ended: { readonly by: string; readonly at: string }): void => {
  const { run: before, startedAt: readyAt } = old.status ?? {};
  must(before?.startedAt === startedAt, 'a run that was not seen has ended', ended);
  if (before?.ended !== undefined) {
    must(before.ended.by === ended.by && before.ended.at === ended.at, 'a run ends twice', [before.ended, ended]);
    return;
  }
  must(conditionOf(old, 'Ready')?.status === 'True', 'it ends for want of signs, and was not Ready', old.status);
  const { idleSeconds = Infinity, heartbeatSeconds = Infinity } = old.spec.lifetime;
  const { [ANNOTATION_LAST_ACTIVITY]: used, [ANNOTATION_LAST_HEARTBEAT]: beat } = old.metadata.annotations ?? {};
  const isIdle = ended.by === 'Idle';
  const signs = [readyAt, before?.readyAt, before?.changedAt, beat, ...(isIdle ? [used] : [])].map((time) =>
    Date.parse(time ?? ''),
  );
  const limitMs = (isIdle ? idleSeconds : heartbeatSeconds) * 1000;
  for (const sign of signs) {
    // The status tells whole seconds.
    const isOver = Number.isNaN(sign) || Date.parse(ended.at) + 999 >= sign + limitMs;
    must(isOver, 'it ends for want of signs, and gave one', [ended, old.metadata.annotations, old.status]);
  }
};

/** A transition time moves with its status, and with nothing else. */
export const checkTransitions = (old: Sandbox | undefined, sandbox: Sandbox): void => {
  for (const { type, status: is, lastTransitionTime: at } of sandbox.status?.conditions ?? []) {
    const was = findCondition(old?.status?.conditions, type);
    if (was === undefined) continue;
    if (was.status === is) must(at === was.lastTransitionTime, 'a transition time moves without its status', [was, at]);
    else must(Date.parse(at) >= Date.parse(was.lastTransitionTime), 'a transition time goes back', [was, at]);
  }
};
