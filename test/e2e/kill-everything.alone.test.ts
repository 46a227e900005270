import { describe, expect } from '@jest/globals';
import { join } from 'node:path';
import type { Pod } from '../../src/api/pod.ts';
import { workspacePrefix } from '../../src/api/workspace-id.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { fileHashes } from '../support/e2e-faults/file-hashes.ts';
import { withRestoredHead } from '../support/e2e-faults/restored-head.ts';
import { killPart, type SystemPart } from '../support/e2e-faults/system-containers.ts';
import { untilCommitted } from '../support/e2e-faults/until-committed.ts';
import { holdsAllOf, readWriterState, startWriter } from '../support/e2e-faults/writer.ts';

/** 200 MB in large files, and what sha256sum would say of them. */
const WRITE_AND_HASH = `
import hashlib, os
os.mkdir('big')
for number in range(40):
    name, content = '%02d' % number, os.urandom(5000000)
    with open('big/' + name, 'wb') as file:
        file.write(content)
    print('%s  ./%s' % (hashlib.sha256(content).hexdigest(), name))
`;

const CASES: readonly { readonly what: string; readonly parts: readonly SystemPart[] }[] = [
  { what: 'the node driver', parts: ['node'] },
  { what: 'both controllers', parts: ['controller'] },
  { what: 'both facades', parts: ['facade'] },
  { what: 'all of them at once', parts: ['controller', 'facade', 'node'] },
];

// First, because kubelet waits longer and longer before it starts a container again that keeps ending.
scenario(
  'SIGKILL of the node driver in the middle of the final commit: the Sandbox stays until its home is saved, whole',
  240,
  async (cluster) => {
    const sandbox = aSandbox('saving');
    const name = await cluster.start(sandbox);
    const hashes = await cluster.python(name, WRITE_AND_HASH);
    // Before the driver has seen the home quiet: all of it is left to the final commit.
    await cluster.kubectl.run(['delete', `sandbox/${name}`, '--wait=false']);
    await cluster.workspaceUntil(
      sandbox.userId,
      'the home is being saved',
      ({ status }) => status?.session?.state === 'Saving' || status?.session?.state === 'Closed',
    );
    const back = await killPart(cluster.kubectl, 'node');
    await back();
    await cluster.kubectl.run(['wait', '--for=delete', `sandbox/${name}`, '--timeout=120s'], { deadlineMs: 130_000 });
    const saved = await withRestoredHead(cluster, workspacePrefix(sandbox.userId), (home) =>
      fileHashes(join(home, 'big')),
    );
    expect(saved).toBe(hashes);
  },
);

describe.each(CASES)('SIGKILL of $what while a sandbox writes', ({ parts }) => {
  scenario(
    'it goes on writing, they come back, what was committed is there, the rest is committed next [A2.4] [T8]',
    240,
    async (cluster) => {
      const sandbox = aSandbox('survivor');
      const name = await cluster.start(sandbox);
      const prefix = workspacePrefix(sandbox.userId);
      const pod = await identity(cluster, name);
      const writer = await startWriter(cluster, name);
      const committed = await untilCommitted(cluster, sandbox.userId, await writer.written());

      const back = await Promise.all(parts.map((part) => killPart(cluster.kubectl, part)));
      // Asked for while nobody may be there to hear it.
      const asked = parts.includes('controller') ? await cluster.create(aSandbox('asked')) : undefined;
      expect(holdsAllOf(await withRestoredHead(cluster, prefix, readWriterState), committed)).toBe(true);
      const whileAway = await writer.written();
      await Promise.all(back.map((untilBack) => untilBack()));

      const afterwards = await writer.written();
      expect(afterwards).toBeGreaterThan(whileAway);
      expect(holdsAllOf(await untilCommitted(cluster, sandbox.userId, afterwards), committed)).toBe(true);
      if (asked !== undefined) await cluster.ready(asked);
      if (parts.includes('facade')) await untilFacadeKnows(cluster, name);

      expect(await identity(cluster, name)).toEqual(pod);
      const last = await writer.stop();
      await cluster.remove(name);
      expect((await withRestoredHead(cluster, prefix, readWriterState)).last).toBe(last);
    },
  );
});

/** What changes when a pod is replaced or its container is started again. */
const identity = async (cluster: Cluster, name: string): Promise<object> => {
  const pod = await cluster.kubectl.json<Pod>(['get', 'pod', name]);
  return {
    uid: pod.metadata.uid,
    restarts: pod.status?.containerStatuses?.map(({ restartCount, state }) => [
      restartCount,
      state?.running?.startedAt,
    ]),
  };
};

const untilFacadeKnows = async ({ environment, signal }: Cluster, name: string): Promise<void> => {
  await eventually(
    `the facade answers GET /sandboxes/${name}`,
    async () => {
      const answer = await fetch(new URL(`/sandboxes/${name}`, environment.MATRX_URL), {
        headers: { 'x-api-key': environment.MATRX_API_KEY },
        signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
      });
      const body = await answer.text();
      if (answer.status !== 200) throw new Error(`${answer.status} ${body}`);
      return true;
    },
    { deadlineMs: 60_000, signal },
  );
};
