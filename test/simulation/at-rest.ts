import { findCondition } from '../../src/api/condition.ts';
import { standingOf } from '../../src/api/standing.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { Workspace } from '../../src/api/workspace.ts';
import { runView } from '../../src/domain/run.ts';
import type { World } from '../controller/world.ts';
import { must } from '../domain/model/broken.ts';
import { checkHonest, isKeptTooLong, workspaceNameOf } from '../domain/model/honesty.ts';

/** What must be once everything works and has had its time. */
export const checkRest = (world: World): void => {
  const { sandboxes, workspaces, pods } = world.api.newest();
  const now = world.now();
  for (const sandbox of sandboxes.values()) checkSandbox(world, sandbox);
  const going = new Set(
    [...sandboxes.values()].filter((each) => runView(each, now).kind === 'going').map(({ metadata }) => metadata.uid),
  );
  for (const { metadata } of pods.values()) {
    must(
      metadata.ownerReferences?.some(({ uid }) => going.has(uid)) ?? false,
      'a pod that nobody wants is left',
      metadata,
    );
  }
  for (const workspace of workspaces.values()) checkWorkspace(workspace, going);
};

const checkSandbox = ({ api, now }: World, sandbox: Sandbox): void => {
  const { metadata, spec, status = {} } = sandbox;
  const { workspaces, pods } = api.newest();
  must(metadata.deletionTimestamp === undefined, 'a deleted sandbox stays', sandbox);
  must(status.observedGeneration === metadata.generation, 'a spec is not observed', sandbox);
  checkHonest(sandbox, api.newest());
  const reason = standingOf(status.conditions)?.reason;
  const run = runView(sandbox, now());
  const writer = workspaces.get(workspaceNameOf(sandbox))?.status?.writer;
  if (run.kind === 'going') {
    const isOthers = writer !== undefined && writer.uid !== metadata.uid;
    must(reason === (isOthers ? 'WorkspaceInUse' : 'PodReady'), 'it is wanted, and neither runs nor waits', sandbox);
    must(status.stopReason === undefined, 'it runs, and says why it has stopped', status);
    return;
  }
  must(
    reason === (run.kind === 'over' ? run.end.cause : spec.desiredState),
    'it is not wanted, and does not rest',
    sandbox,
  );
  const isExpired = status.stopReason === 'expired';
  must(
    status.stopReason !== undefined && isExpired === (run.kind === 'over'),
    'it says another end than it had',
    status,
  );
  must(!isKeptTooLong(sandbox, now()), 'a finished record is kept past its time', status);
  must(pods.get(metadata.name) === undefined, 'it has ended, and its pod is there', status);
  must(writer?.uid !== metadata.uid, 'it has ended, and holds its workspace', writer);
  must(status.podName === undefined, 'it has ended, and tells of a pod', status);
};

const checkWorkspace = ({ metadata, status }: Workspace, going: ReadonlySet<string | undefined>): void => {
  const { writer, session } = status ?? {};
  must(writer === undefined || going.has(writer.uid), 'a workspace is held by nobody who runs', status);
  must(metadata.deletionTimestamp === undefined || writer !== undefined, 'a deleted workspace stays', status);
  const isSaved = findCondition(status?.conditions, 'Saved')?.status === 'True' && session?.dirty !== true;
  must(session?.state === 'Conflict' || isSaved, 'something is not saved in the end', status);
  const ready = findCondition(status?.conditions, 'Ready');
  const isTrue = writer === undefined ? 'Available' : 'InUse';
  must(
    metadata.deletionTimestamp !== undefined || ready?.reason === isTrue,
    'a workspace says something else than is so',
    status,
  );
};
