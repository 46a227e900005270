import { expect } from '@jest/globals';
import type { Pod } from '../../../../src/api/pod.ts';
import { systemClock } from '../../../../src/base/clock.ts';
import type { Cluster } from '../cluster.ts';
import { eventually } from '../eventually.ts';
import { aSandbox } from '../sandbox-builder.ts';
import { coldFiles, coldObjects, startWithCold } from './cold.ts';

/** 500 files of which some are not uploaded yet when it has ended. */
export const WRITE_500 =
  'mkdir -p /data/cold/many && for i in $(seq 500); do echo "content $i" > /data/cold/many/$i; done';
const READ_LAST = 'cat /data/cold/many/500';

/**
 * Kills something while 500 files of a running sandbox are not uploaded: the sandbox must see them again without a
 * restart, and the bucket must have them all at its end. `kill` resolves to the wait for who starts it again.
 */
export const killWithUnsent = async (
  cluster: Cluster,
  kill: (userId: string) => Promise<() => Promise<void>>,
): Promise<void> => {
  const sandbox = aSandbox('cold-killed');
  const name = await startWithCold(cluster, sandbox);
  const pod = await cluster.kubectl.json<Pod>(['get', 'pod', name]);
  await cluster.shell(name, WRITE_500);
  const back = await kill(sandbox.userId);
  const begun = systemClock.monotonic();
  await eventually(
    'the sandbox reads its files again',
    async () => (await cluster.shell(name, READ_LAST)) === 'content 500\n',
    { deadlineMs: 60_000, signal: cluster.signal },
  );
  process.stderr.write(`the mount was back after ${Math.round(systemClock.monotonic() - begun)} ms\n`);
  await back();
  const now = await cluster.kubectl.json<Pod>(['get', 'pod', name]);
  expect(now.status?.containerStatuses?.[0]?.restartCount).toBe(pod.status?.containerStatuses?.[0]?.restartCount);
  await cluster.shell(name, 'echo afterwards > /data/cold/more');
  const seen = await coldFiles(cluster, name);
  expect(Object.keys(seen)).toHaveLength(501);
  await cluster.remove(name, 120_000);
  expect(await coldObjects(cluster, sandbox.userId)).toEqual(seen);
};
