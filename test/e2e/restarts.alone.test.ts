import { expect } from '@jest/globals';
import type { Pod } from '../../src/api/pod.ts';
import { workspacePrefix } from '../../src/api/workspace-id.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { withRestoredHead } from '../support/e2e-faults/restored-head.ts';
import { rolledOut, SYSTEM_NAMESPACE, type SystemPart, workloadOf } from '../support/e2e-faults/system-containers.ts';
import { untilCommitted } from '../support/e2e-faults/until-committed.ts';
import { readWriterState, startWriter } from '../support/e2e-faults/writer.ts';

const PARTS: readonly SystemPart[] = ['node', 'controller', 'facade'];

scenario(
  'an upgrade replaces every pod of the product under a running sandbox, and its home never notices',
  240,
  async (cluster) => {
    const sandbox = aSandbox('upgraded');
    const name = await cluster.start(sandbox);
    const pod = await cluster.kubectl.json<Pod>(['get', 'pod', name]);
    const writer = await startWriter(cluster, name);
    await untilCommitted(cluster, sandbox.userId, await writer.written());

    await cluster.kubectl.run(['-n', SYSTEM_NAMESPACE, 'rollout', 'restart', ...PARTS.map(workloadOf)]);
    await Promise.all(PARTS.map((part) => rolledOut(cluster.kubectl, part)));

    await untilCommitted(cluster, sandbox.userId, await writer.written());
    const now = await cluster.kubectl.json<Pod>(['get', 'pod', name]);
    expect(now.metadata.uid).toBe(pod.metadata.uid);
    expect(now.status?.containerStatuses?.map(({ restartCount }) => restartCount)).toEqual([0]);

    const last = await writer.stop();
    await cluster.remove(name);
    expect((await withRestoredHead(cluster, workspacePrefix(sandbox.userId), readWriterState)).last).toBe(last);
  },
);
