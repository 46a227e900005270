import type { Workspace } from '../api/workspace.ts';
import type { KubeClient } from '../kube/client.ts';
import { WORKSPACES } from '../kube/resource-types.ts';
import type { RestoreRequest } from '../workspace/home.ts';
import type { SessionRecord } from './session-record.ts';

/**
 * The older commit that the Workspace's spec asks for, as it is now: so a request that was refused can be changed or
 * taken back while the sandbox waits. Whether it was carried out already, HEAD knows. Throws KubeErrors.
 */
export const readRestoreRequest = async (
  kube: Pick<KubeClient, 'get'>,
  { namespace, workspace: name }: Pick<SessionRecord, 'namespace' | 'workspace'>,
  signal: AbortSignal,
): Promise<RestoreRequest | undefined> => {
  const workspace = await kube.get<Workspace>({ type: WORKSPACES, namespace, name }, { signal });
  return workspace.spec.restore;
};
