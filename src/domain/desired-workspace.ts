import { GROUP_VERSION, LABEL_MANAGED_BY, LABEL_USER, MANAGED_BY, WORKSPACE_FINALIZER } from '../api/names.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { Workspace } from '../api/workspace.ts';
import { workspaceId } from '../api/workspace-id.ts';

/** The Workspace a Sandbox's home follows from. It has no owner: it outlives every Sandbox. */
export const desiredWorkspace = (sandbox: Sandbox, name: string): Workspace => {
  const { userId, workspace } = sandbox.spec;
  const { namespace } = sandbox.metadata;
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Workspace',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { [LABEL_MANAGED_BY]: MANAGED_BY, [LABEL_USER]: workspaceId(userId) },
      finalizers: [WORKSPACE_FINALIZER],
    },
    spec: { userId, ...(workspace.name === undefined ? {} : { name: workspace.name }) },
  };
};
