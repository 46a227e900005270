import { expect } from '@jest/globals';
import { mountProcess, startWithCold } from '../support/e2e/cold/cold.ts';
import { killWithUnsent } from '../support/e2e/cold/kill-with-unsent.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

scenario(
  'SIGKILL of the mount process with 500 files that are not uploaded: the running sandbox sees the mount again, and everything arrives',
  300,
  (cluster) =>
    killWithUnsent(cluster, async (userId) => {
      process.kill(await mountProcess(cluster, userId), 'SIGKILL');
      return () => Promise.resolve();
    }),
);

scenario('a mount shows which isolation is in force, and another user sees nothing of it', 240, async (cluster) => {
  const [ann, anna] = [aSandbox('cold-ann'), aSandbox('cold-anna')];
  const [first, second] = [await startWithCold(cluster, ann), await startWithCold(cluster, anna)];
  await cluster.shell(first, 'echo secret > /data/cold/mine');
  expect(await cluster.shell(second, 'ls -A /data/cold')).toBe('');
  const workspace = await cluster.workspaceUntil(
    ann.userId,
    'the isolation is said',
    ({ status }) => status?.cold?.isolation !== undefined,
  );
  expect(['prefix', 'account']).toContain(workspace.status?.cold?.isolation);
  expect(await cluster.shell(first, 'touch /data/beside 2>&1 || echo refused')).toContain('refused');
});
