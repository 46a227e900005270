import { expect } from '@jest/globals';
import { standingReason } from '../support/e2e/cluster.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

scenario(
  'a sandbox with restartPolicy Never ends with its pod, its home saved, and begins again when it is asked to',
  360,
  async (cluster) => {
    const sandbox = aSandbox('never').with({ restartPolicy: 'Never' });
    await cluster.start(sandbox);
    const before = await cluster.ready(sandbox.name);
    await cluster.shell(sandbox.name, 'echo kept > note.txt');
    await cluster.kubectl.run(['delete', `pod/${sandbox.name}`, '--wait=false']);
    const ended = await cluster.until(
      sandbox.name,
      'it has ended',
      (found) => standingReason(found) === 'PodLost',
      120_000,
    );
    expect(ended.status).toMatchObject({ stopReason: 'error', phase: 'Failed', run: { ended: { by: 'PodLost' } } });
    await cluster.workspaceUntil(
      sandbox.userId,
      'its workspace is let go',
      ({ status }) => status?.writer === undefined,
    );

    await cluster.kubectl.run(['annotate', `sandbox/${sandbox.name}`, 'matrx.dev/new-run=again']);
    const again = await cluster.ready(sandbox.name);
    expect(again.metadata.uid).toBe(before.metadata.uid);
    expect(again.status?.podUid).not.toBe(before.status?.podUid);
    expect(await cluster.shell(sandbox.name, 'cat note.txt')).toBe('kept\n');
  },
);

scenario('one whose process ends is not started again', 180, async (cluster) => {
  const sandbox = aSandbox('once').with({ restartPolicy: 'Never' });
  await cluster.start(sandbox);
  // After the command itself has ended: it is a process of the same container.
  await cluster.shell(sandbox.name, '(sleep 1; kill -TERM 1) > /dev/null 2>&1 &');
  const ended = await cluster.until(
    sandbox.name,
    'it has ended',
    (found) => standingReason(found) === 'PodLost',
    120_000,
  );
  expect(ended.status?.stopReason).toBe('error');
});
