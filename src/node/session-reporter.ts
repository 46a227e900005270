import { FIELD_MANAGER_NODE } from '../api/names.ts';
import type { Workspace, WorkspaceCommit } from '../api/workspace.ts';
import { mergeHistory } from './commit-history.ts';
import { statusPatch, viewKey, type SessionView } from './session-status.ts';
import { makeStatusReporter, workspaceRef, type StatusReporter, type StatusReporterDeps } from './status-reporter.ts';

export interface ReporterDeps extends StatusReporterDeps {
  readonly node: string;
}

/** Keeps the Workspace's status saying what the session says. */
export type SessionReporter = StatusReporter<SessionView>;

export const makeSessionReporter = (deps: ReporterDeps): SessionReporter => {
  let history: readonly WorkspaceCommit[] | undefined;

  const write = async (view: SessionView, signal: AbortSignal): Promise<void> => {
    const before = view.commits.length === 0 ? [] : (history ?? (await readHistory(view, signal)));
    const after = mergeHistory(before, view.commits);
    const changed = after.length > 0 && after[0]?.manifest !== before[0]?.manifest;
    await deps.kube.jsonPatch(
      workspaceRef(view.record),
      statusPatch(view, deps.node, deps.clock.now(), changed ? after : undefined),
      { subresource: 'status', fieldManager: FIELD_MANAGER_NODE, signal },
    );
    if (view.commits.length > 0) history = after;
  };

  // What earlier sessions have told: read once, for while this one holds the epoch nobody else writes it.
  const readHistory = async (view: SessionView, signal: AbortSignal): Promise<readonly WorkspaceCommit[]> => {
    const workspace = await deps.kube.get<Workspace>(workspaceRef(view.record), { signal });
    return workspace.status?.history ?? [];
  };

  return makeStatusReporter(deps, {
    of: ({ record }) => record,
    key: (view) => viewKey(view, deps.node),
    write,
  });
};
