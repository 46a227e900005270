import { expect } from '@jest/globals';
import type { Pod } from '../../src/api/pod.ts';
import { workspacePrefix } from '../../src/api/workspace-id.ts';
import { systemClock } from '../../src/base/clock.ts';
import { makeMounts } from '../../src/node/mounts.ts';
import { coldFiles, coldObjects, startWithCold } from '../support/e2e/cold/cold.ts';
import { WRITE_500 } from '../support/e2e/cold/kill-with-unsent.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { killKubelet, startWhatIsDown } from '../support/e2e-faults/kubelet.ts';
import { withRestoredHead } from '../support/e2e-faults/restored-head.ts';
import { killPart } from '../support/e2e-faults/system-containers.ts';
import { readWriterState, startWriter } from '../support/e2e-faults/writer.ts';

scenario(
  'kubelet and driver are killed, the cold mount is taken away, both come back: the sandbox goes on with both, and nothing is lost',
  480,
  async (cluster) => {
    const sandbox = aSandbox('rebooted');
    const name = await startWithCold(cluster, sandbox);
    const pod = await cluster.kubectl.json<Pod>(['get', 'pod', name]);
    const writer = await startWriter(cluster, name);
    await cluster.shell(name, WRITE_500);
    const written = await writer.written();

    await killKubelet();
    const back = await killPart(cluster.kubectl, 'node');
    const volume = `/var/lib/kubelet/pods/${String(pod.metadata.uid)}/volumes/kubernetes.io~csi/cold/mount`;
    await makeMounts().unbind(`${volume}/cold`);
    await startWhatIsDown(cluster.signal);
    await back();

    const begun = systemClock.monotonic();
    await eventually(
      'the running sandbox reads its files again',
      async () => (await cluster.shell(name, 'cat /data/cold/many/500')) === 'content 500\n',
      { deadlineMs: 60_000, signal: cluster.signal },
    );
    process.stderr.write(`the mount was back ${Math.round(systemClock.monotonic() - begun)} ms after the driver\n`);
    const now = await cluster.kubectl.json<Pod>(['get', 'pod', name]);
    expect(now.metadata.uid).toBe(pod.metadata.uid);
    expect(now.status?.containerStatuses?.[0]?.restartCount).toBe(0);

    await cluster.shell(name, 'echo afterwards > /data/cold/more');
    const seen = await coldFiles(cluster, name);
    expect(Object.keys(seen)).toHaveLength(501);
    const last = await writer.stop();
    expect(last).toBeGreaterThan(written);
    await cluster.remove(name, 150_000);
    expect(await coldObjects(cluster, sandbox.userId)).toEqual(seen);
    expect((await withRestoredHead(cluster, workspacePrefix(sandbox.userId), readWriterState)).last).toBe(last);
  },
);
