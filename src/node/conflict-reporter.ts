import { FIELD_MANAGER_NODE } from '../api/names.ts';
import type { Workspace } from '../api/workspace.ts';
import { MAX_CONFLICTS, type WorkspaceConflict } from '../api/workspace-conflict.ts';
import { rfc3339 } from '../base/clock.ts';
import { canonicalJson, type Json, sameJson } from '../base/json.ts';
import type { JsonPatchOperation } from '../kube/client.ts';
import { unchanged } from '../kube/unchanged.ts';
import type { ReporterDeps } from './session-reporter.ts';
import { finalPatch, type SessionView } from './session-status.ts';
import { makeStatusReporter, workspaceRef, type StatusReporter } from './status-reporter.ts';

export interface ConflictView {
  readonly view: SessionView;
  /** Whether it is all that this epoch will ever have to say. */
  readonly over: boolean;
}

/**
 * Tells the Workspace which of this epoch's files are below `conflicts/`, and that there is nothing more to come. Unlike
 * the session's own report it is not the writer's to make: an epoch that was given up with its node is told of when that
 * returns, whoever writes by then.
 */
export const makeConflictReporter = (deps: ReporterDeps): StatusReporter<ConflictView> => {
  const write = async (said: ConflictView, signal: AbortSignal): Promise<void> => {
    const workspace = await deps.kube.get<Workspace>(workspaceRef(said.view.record), { signal });
    const patch = conflictPatch(workspace, said, deps.node, deps.clock.now());
    if (patch.length === 0) return;
    const options = { subresource: 'status', fieldManager: FIELD_MANAGER_NODE, signal } as const;
    // Refused when it has changed since, and made anew.
    const { resourceVersion } = workspace.metadata;
    await deps.kube.jsonPatch(workspaceRef(said.view.record), [unchanged(resourceVersion), ...patch], options);
  };
  return makeStatusReporter(deps, {
    of: ({ view }) => view.record,
    key: ({ view, over }) => canonicalJson([view.record.kept ?? [], over]),
    write,
  });
};

const conflictPatch = (
  { status }: Workspace,
  { view, over }: ConflictView,
  node: string,
  now: number,
): readonly JsonPatchOperation[] => {
  const before = status?.conflicts ?? [];
  const after = mergeConflicts(before, { epoch: view.record.epoch, node, kept: view.record.kept ?? [], over }, now);
  const isLeft = over && status?.writer === undefined && status?.session?.epoch === view.record.epoch;
  return [
    ...(sameJson(before, after)
      ? []
      : [{ op: 'add' as const, path: '/status/conflicts', value: after as unknown as Json }]),
    // Nobody has taken the workspace since: what its status says is still about this epoch, and of before the node was lost.
    ...(isLeft && status?.session?.state !== view.record.state ? finalPatch(view, node, now) : []),
  ];
};

/** What one epoch on one node has to say of itself: `kept` are manifests below `conflicts/`. */
export interface EpochEnd {
  readonly epoch: number;
  readonly node: string;
  readonly kept: readonly string[];
  readonly over: boolean;
}

/** status.conflicts with what an epoch says; once that is over, it is no open question any more. */
export const mergeConflicts = (
  before: readonly WorkspaceConflict[],
  { epoch, node, kept, over }: EpochEnd,
  now: number,
): readonly WorkspaceConflict[] => {
  const isQuestion = (conflict: WorkspaceConflict): boolean =>
    conflict.epoch === epoch && conflict.node === node && conflict.manifest === undefined;
  const known = before.filter((conflict) => !(over && isQuestion(conflict)));
  const fresh = kept.filter((manifest) => !before.some((conflict) => conflict.manifest === manifest));
  return [...known, ...fresh.map((manifest) => ({ epoch, node, since: rfc3339(now), manifest }))].slice(-MAX_CONFLICTS);
};
