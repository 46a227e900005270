import { z } from 'zod';
import { UserId, WorkspaceNameSuffix } from '../api/user-id.ts';
import { workspaceName } from '../api/workspace-id.ts';
import type { Workspace } from '../api/workspace.ts';
import { isKubeError } from '../kube/errors.ts';
import { WORKSPACES } from '../kube/resource-types.ts';
import { mayActFor } from './caller.ts';
import type { FacadeDependencies } from './dependencies.ts';
import { parseInput } from './input-error.ts';
import { problemError } from './problem.ts';
import type { RequestState } from './request-state.ts';

export interface WorkspaceKey {
  readonly userId: string;
  /** Undefined: the user's own. */
  readonly name: string | undefined;
}

const UserPath = z.object({ user: UserId });

/** The user of a path, if the caller may act for that user. Throws 422 and 403. */
export const userOf = (params: Readonly<Record<string, string>>, { caller }: Pick<RequestState, 'caller'>): string => {
  const { user: userId } = parseInput(UserPath, 'path', params);
  if (mayActFor(caller, userId)) return userId;
  throw problemError('not-allowed', `This API key may not act for the user ${userId}`);
};

/** From the API server: there are as many workspaces as users, and nobody looks at many of them. Throws the 404. */
export const findWorkspace = async (
  { kube, settings }: Pick<FacadeDependencies, 'kube' | 'settings'>,
  { userId, name }: WorkspaceKey,
  signal: AbortSignal,
): Promise<Workspace> => {
  const ref = { type: WORKSPACES, namespace: settings.namespace, name: workspaceName(userId, name) };
  try {
    return await kube.get<Workspace>(ref, { signal });
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) throw error;
    const which = name === undefined ? 'no workspace' : `no workspace ${name}`;
    throw problemError('not-found', `User ${userId} has ${which}: the first sandbox makes it`);
  }
};

/** A workspace of a user's in a query or a body. */
export const WorkspaceChoice = WorkspaceNameSuffix.optional().describe("One of the user's named workspaces.");
