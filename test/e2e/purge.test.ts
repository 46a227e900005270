import { expect } from '@jest/globals';
import { workspaceName, workspacePrefix } from '../../src/api/workspace-id.ts';
import type { Workspace } from '../../src/api/workspace.ts';
import { WORKSPACES } from '../../src/kube/resource-types.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { keysBelow } from '../support/e2e/cold/cold.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const savedHome = async (cluster: Cluster): Promise<string> => {
  const sandbox = aSandbox('purge');
  await cluster.start(sandbox);
  await cluster.shell(sandbox.name, 'echo kept > note.txt; if [ -d /data/cold ]; then echo cold > /data/cold/x; fi');
  await cluster.remove(sandbox.name);
  return sandbox.userId;
};
const deleteWorkspace = async ({ kubectl }: Cluster, userId: string): Promise<void> => {
  await kubectl.run(['delete', `workspace/${workspaceName(userId)}`, '--wait=false']);
};
const untilGone = (cluster: Cluster, userId: string): Promise<Workspace | undefined> =>
  cluster.objectUntil<Workspace>(
    WORKSPACES,
    workspaceName(userId),
    'it is gone',
    (found) => found === undefined,
    120_000,
  );

scenario(
  'a Workspace that is deleted with deletionPolicy Purge leaves nothing in the bucket, and its user begins anew',
  360,
  async (cluster) => {
    const userId = await savedHome(cluster);
    const prefix = workspacePrefix(userId);
    expect(await keysBelow(cluster, prefix)).toContain(`${prefix}.ws/HEAD`);
    await cluster.kubectl.merge(`workspace/${workspaceName(userId)}`, { spec: { deletionPolicy: 'Purge' } });
    await deleteWorkspace(cluster, userId);
    await untilGone(cluster, userId);
    expect(await keysBelow(cluster, prefix)).toEqual([]);

    const next = aSandbox('purge').ofUser(userId);
    await cluster.start(next);
    expect(await cluster.shell(next.name, 'ls -A')).not.toContain('note.txt');
  },
);

scenario('one that is deleted without it leaves its files, and finds them again', 300, async (cluster) => {
  const userId = await savedHome(cluster);
  await deleteWorkspace(cluster, userId);
  await untilGone(cluster, userId);
  const next = aSandbox('purge').ofUser(userId);
  await cluster.start(next);
  expect(await cluster.shell(next.name, 'cat note.txt')).toBe('kept\n');
});
