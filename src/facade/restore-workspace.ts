import { FIELD_MANAGER_FACADE } from '../api/names.ts';
import type { Workspace } from '../api/workspace.ts';
import { isKubeError } from '../kube/errors.ts';
import { WORKSPACES } from '../kube/resource-types.ts';
import type { FacadeDependencies } from './dependencies.ts';
import { findWorkspace, type WorkspaceKey } from './find-workspace.ts';
import { keyReused } from './idempotency.ts';
import { invalidInput } from './input-error.ts';
import { problemError } from './problem.ts';

export interface RestoreWish {
  /** A new one for each wish. */
  readonly requestId: string;
  /** By its number, or by its manifest. */
  readonly commit: number | string;
}

const MAX_TRIES = 5;

/**
 * Writes down that the next session of a workspace begins with an older commit. Only while nobody has the home: the
 * write is refused when a sandbox takes it meanwhile. The same wish again changes nothing.
 */
export const restoreWorkspace = async (
  dependencies: Pick<FacadeDependencies, 'kube' | 'settings'>,
  key: WorkspaceKey,
  wish: RestoreWish,
  signal: AbortSignal,
): Promise<Workspace> => {
  const { kube, settings } = dependencies;
  for (let tries = 1; ; tries++) {
    const workspace = await findWorkspace(dependencies, key, signal);
    if (isWished(workspace, wish)) return workspace;
    requireNobody(workspace);
    requireKnown(workspace, wish);
    const { name, uid, resourceVersion } = workspace.metadata;
    try {
      return await kube.mergePatch<Workspace>(
        { type: WORKSPACES, namespace: settings.namespace, name },
        { metadata: { uid: uid ?? '', resourceVersion: resourceVersion ?? '' }, spec: { restore: restoreOf(wish) } },
        { fieldManager: FIELD_MANAGER_FACADE, signal },
      );
    } catch (error) {
      if (tries === MAX_TRIES || !isKubeError(error, 'Conflict')) throw error;
    }
  }
};

/** A merge patch: what the wish before said of the other way to name a commit must go. */
const restoreOf = ({ requestId, commit }: RestoreWish) => ({
  requestId,
  sequence: typeof commit === 'number' ? commit : null,
  manifest: typeof commit === 'string' ? commit : null,
});

/** Asked for before, or done already. Throws the 422 where the same request asked for another commit. */
const isWished = ({ spec, status }: Workspace, { requestId, commit }: RestoreWish): boolean => {
  const named = [spec.restore, status?.restored].find((one) => one?.requestId === requestId);
  if (named === undefined) return false;
  if (named.sequence === commit || named.manifest === commit) return true;
  throw keyReused();
};

/** A sandbox cannot start from a commit that is not there: of a number, the history can say so before. */
const requireKnown = ({ status }: Workspace, { commit }: RestoreWish): void => {
  if (typeof commit === 'string' || (status?.history ?? []).some(({ sequence }) => sequence === commit)) return;
  const msg = 'is no number of the history that is kept: name an older commit by its manifest';
  throw invalidInput([{ type: 'value_error', loc: ['body', 'commit'], msg, input: commit }]);
};

/** Takes back a wish that was not carried out yet. Resolves with the Workspace as it is then. */
export const forgetRestore = async (
  dependencies: Pick<FacadeDependencies, 'kube' | 'settings'>,
  key: WorkspaceKey,
  signal: AbortSignal,
): Promise<Workspace> => {
  const workspace = await findWorkspace(dependencies, key, signal);
  const { restore } = workspace.spec;
  if (restore === undefined || restore.requestId === workspace.status?.restored?.requestId) return workspace;
  const { name, uid } = workspace.metadata;
  return dependencies.kube.mergePatch<Workspace>(
    { type: WORKSPACES, namespace: dependencies.settings.namespace, name },
    { metadata: { uid: uid ?? '' }, spec: { restore: null } },
    { fieldManager: FIELD_MANAGER_FACADE, signal },
  );
};

const requireNobody = ({ spec, status }: Workspace): void => {
  if (status?.writer === undefined) return;
  const { sandbox } = status.writer;
  throw problemError(
    'workspace-in-use',
    `The workspace of user ${spec.userId} is in use by sandbox ${sandbox}: stop it first, so that nothing of it is lost`,
    { sandbox_id: sandbox },
  );
};
