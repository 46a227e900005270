import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import type { Pod } from '../../src/api/pod.ts';
import { systemClock } from '../../src/base/clock.ts';
import { PODS, SANDBOXES } from '../../src/kube/resource-types.ts';
import { coldCondition, coldFiles, coldObjects, mountProcess, startWithCold } from '../support/e2e/cold/cold.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { requireEnvironment } from '../support/e2e/environment.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { makeKubectl } from '../support/e2e/kubectl.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { plainAddress, setDriverSettings } from '../support/e2e-faults/driver-settings.ts';
import { killPart } from '../support/e2e-faults/system-containers.ts';
import { startTcpFaultProxy, type TcpFaultProxy } from '../support/e2e-faults/tcp-fault-proxy.ts';

const kubectl = makeKubectl(new AbortController().signal);

const WRITE_500 = 'mkdir -p /data/cold/many && for i in $(seq 500); do echo "content $i" > /data/cold/many/$i; done';
const READ_LAST = 'cat /data/cold/many/500';

/** What is killed while 500 files are not uploaded. Resolves when whoever starts it again has done so. */
const VICTIMS: readonly {
  readonly what: string;
  readonly kill: (cluster: Cluster, userId: string) => Promise<() => Promise<void>>;
}[] = [
  {
    what: 'the mount process',
    kill: async (cluster, userId) => {
      process.kill(await mountProcess(cluster, userId), 'SIGKILL');
      return () => Promise.resolve();
    },
  },
  { what: 'the node driver, and its mount processes with it', kill: (cluster) => killPart(cluster.kubectl, 'node') },
];

describe.each(VICTIMS)('SIGKILL of $what with 500 files that are not uploaded', ({ kill }) => {
  scenario('the running sandbox sees the mount again, and everything arrives', 300, async (cluster) => {
    const sandbox = aSandbox('cold-killed');
    const name = await startWithCold(cluster, sandbox);
    const pod = await cluster.kubectl.json<Pod>(['get', 'pod', name]);
    await cluster.shell(name, WRITE_500);
    const back = await kill(cluster, sandbox.userId);
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
  });
});

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

describe('without S3', () => {
  let proxy: TcpFaultProxy;
  beforeAll(async () => {
    proxy = await startTcpFaultProxy(plainAddress(requireEnvironment().AWS_ENDPOINT_URL_S3));
    await setDriverSettings(kubectl, {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${proxy.port}`,
      MATRX_SAVE_WAIT_SECONDS: '3',
    });
  }, 150_000);
  afterAll(async () => {
    await proxy.setMode('pass');
    await setDriverSettings(kubectl, {});
    await proxy.close();
  }, 150_000);

  scenario('for two minutes of writing: the sandbox writes on, and everything arrives', 400, async (cluster) => {
    const sandbox = aSandbox('cold-outage');
    const name = await startWithCold(cluster, sandbox);
    await cluster.shell(name, 'mkdir /data/cold/out && echo first > /data/cold/out/0');
    await proxy.setMode('refuse');
    await cluster.shell(name, 'for i in $(seq 120); do echo "line $i" >> /data/cold/out/log; sleep 1; done', {
      deadlineMs: 200_000,
    });
    await proxy.setMode('pass');
    const seen = await coldFiles(cluster, name);
    await cluster.remove(name, 150_000);
    expect(await coldObjects(cluster, sandbox.userId)).toEqual(seen);
  });

  scenario(
    'a stop lets the pod go, shows what is not uploaded, and uploads it before anyone else',
    400,
    async (cluster) => {
      const sandbox = aSandbox('cold-unsent');
      const name = await startWithCold(cluster, sandbox);
      await proxy.setMode('refuse');
      await cluster.shell(name, 'echo precious > /data/cold/late');
      await cluster.kubectl.run(['delete', `sandbox/${name}`, '--wait=false']);
      await cluster.objectUntil(PODS, name, 'the pod ends all the same', (pod) => pod === undefined, 150_000);
      await cluster.until(
        name,
        'what is not uploaded is said',
        (found) => coldCondition(found)?.reason === 'UploadingFiles',
      );
      await proxy.setMode('pass');
      await cluster.objectUntil(SANDBOXES, name, 'it is uploaded and gone', (found) => found === undefined, 150_000);
      expect(Object.keys(await coldObjects(cluster, sandbox.userId))).toEqual(['late']);
      const again = await startWithCold(cluster, sandbox.named(`${name}-again`));
      expect(await cluster.shell(again, 'cat /data/cold/late')).toBe('precious\n');
    },
  );
});

describe('where cold storage cannot be mounted', () => {
  beforeAll(() => setDriverSettings(kubectl, { MATRX_RCLONE: '/nonexistent' }), 150_000);
  afterAll(() => setDriverSettings(kubectl, {}), 150_000);

  scenario('the sandbox is Ready and works, and says why it has none', 180, async (cluster) => {
    const sandbox = aSandbox('cold-less');
    const name = await cluster.start(sandbox);
    const found = await cluster.until(name, 'why', (of) => coldCondition(of)?.reason === 'MountFailed');
    expect(coldCondition(found)?.message).toContain('/nonexistent');
    expect(await cluster.shell(name, 'echo works > kept && cat kept')).toBe('works\n');
    await cluster.remove(name);
  });
});
