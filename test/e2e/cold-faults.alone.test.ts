import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { PODS, SANDBOXES } from '../../src/kube/resource-types.ts';
import { coldCondition, coldFiles, coldObjects, startWithCold } from '../support/e2e/cold/cold.ts';
import { killWithUnsent } from '../support/e2e/cold/kill-with-unsent.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { requireEnvironment } from '../support/e2e/environment.ts';
import { makeKubectl } from '../support/e2e/kubectl.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { plainAddress, setDriverSettings } from '../support/e2e-faults/driver-settings.ts';
import { killPart } from '../support/e2e-faults/system-containers.ts';
import { startTcpFaultProxy, type TcpFaultProxy } from '../support/e2e-faults/tcp-fault-proxy.ts';

const kubectl = makeKubectl(new AbortController().signal);

scenario(
  'SIGKILL of the node driver, and its mount processes with it, with 500 files that are not uploaded: the running sandbox sees the mount again, and everything arrives',
  300,
  (cluster) => killWithUnsent(cluster, () => killPart(cluster.kubectl, 'node')),
);

let proxy: TcpFaultProxy;
beforeAll(async () => {
  proxy = await startTcpFaultProxy(plainAddress(requireEnvironment().AWS_ENDPOINT_URL_S3));
});
// Each change of the driver's settings is a roll-out: they are set right again once, at the end.
afterAll(async () => {
  await setDriverSettings(kubectl, {});
  await proxy.close();
}, 150_000);

describe('without S3', () => {
  beforeAll(async () => {
    await setDriverSettings(kubectl, {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${proxy.port}`,
      MATRX_SAVE_WAIT_SECONDS: '3',
    });
  }, 150_000);
  afterAll(() => proxy.setMode('pass'));

  /** Its pod goes, and the Sandbox stays and says what is not uploaded. */
  const stopWithUnsent = async (cluster: Cluster, name: string): Promise<void> => {
    await cluster.shell(name, 'echo precious > /data/cold/late');
    await cluster.kubectl.run(['delete', `sandbox/${name}`, '--wait=false']);
    await cluster.objectUntil(PODS, name, 'the pod ends all the same', (pod) => pod === undefined, 150_000);
    await cluster.until(
      name,
      'what is not uploaded is said',
      (found) => coldCondition(found)?.reason === 'UploadingFiles',
    );
  };

  scenario(
    'for two minutes of writing: a sandbox writes on, one that is stopped lets its pod go and says what is not uploaded, and everything arrives before anyone else writes',
    400,
    async (cluster) => {
      const [writing, stopped] = [aSandbox('cold-outage'), aSandbox('cold-unsent')];
      const [name, unsent] = await Promise.all([startWithCold(cluster, writing), startWithCold(cluster, stopped)]);
      await cluster.shell(name, 'mkdir /data/cold/out && echo first > /data/cold/out/0');
      await proxy.setMode('refuse');
      await Promise.all([
        cluster.shell(name, 'for i in $(seq 120); do echo "line $i" >> /data/cold/out/log; sleep 1; done', {
          deadlineMs: 200_000,
        }),
        stopWithUnsent(cluster, unsent),
      ]);
      expect(await cluster.kubectl.find(`sandbox/${unsent}`)).toBeDefined();
      await proxy.setMode('pass');

      await cluster.objectUntil(SANDBOXES, unsent, 'it is uploaded and gone', (found) => found === undefined, 150_000);
      expect(Object.keys(await coldObjects(cluster, stopped.userId))).toEqual(['late']);
      const again = await startWithCold(cluster, stopped.named(`${unsent}-again`));
      expect(await cluster.shell(again, 'cat /data/cold/late')).toBe('precious\n');

      const seen = await coldFiles(cluster, name);
      await cluster.remove(name, 150_000);
      expect(await coldObjects(cluster, writing.userId)).toEqual(seen);
    },
  );
});

describe('where cold storage cannot be mounted', () => {
  beforeAll(() => setDriverSettings(kubectl, { MATRX_RCLONE: '/nonexistent' }), 150_000);

  scenario('the sandbox is Ready and works, and says why it has none', 180, async (cluster) => {
    const sandbox = aSandbox('cold-less');
    const name = await cluster.start(sandbox);
    const found = await cluster.until(name, 'why', (of) => coldCondition(of)?.reason === 'MountFailed');
    expect(coldCondition(found)?.message).toContain('/nonexistent');
    expect(await cluster.shell(name, 'echo works > kept && cat kept')).toBe('works\n');
    await cluster.remove(name);
  });
});
