import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { workspacePrefix } from '../../src/api/workspace-id.ts';
import { requireEnvironment } from '../support/e2e/environment.ts';
import { makeKubectl } from '../support/e2e/kubectl.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { setDriverSettings } from '../support/e2e-faults/driver-settings.ts';
import { withRestoredHead } from '../support/e2e-faults/restored-head.ts';
import { type FaultPlan, type S3RequestProxy, startS3RequestProxy } from '../support/e2e-faults/s3-request-proxy.ts';
import { killPart } from '../support/e2e-faults/system-containers.ts';
import { untilCommitted } from '../support/e2e-faults/until-committed.ts';
import { holdsAllOf, readWriterState, startWriter } from '../support/e2e-faults/writer.ts';

const kubectl = makeKubectl(new AbortController().signal);
let proxy: S3RequestProxy;

beforeAll(async () => {
  proxy = await startS3RequestProxy(requireEnvironment().AWS_ENDPOINT_URL_S3 ?? '');
  await setDriverSettings(kubectl, { AWS_ENDPOINT_URL_S3: proxy.endpoint });
}, 150_000);
afterAll(async () => {
  await setDriverSettings(kubectl, {});
  await proxy.close();
}, 150_000);

describe('SIGKILL of the real node driver, while its sandbox goes on writing', () => {
  scenario(
    'at the pack, the manifest and HEAD of a commit: what was committed stays, the rest follows [F17]',
    240,
    async (cluster) => {
      const sandbox = aSandbox('struck');
      const name = await cluster.start(sandbox);
      const prefix = workspacePrefix(sandbox.userId);
      const writer = await startWriter(cluster, name);
      let committed = await untilCommitted(cluster, sandbox.userId, await writer.written());

      const isPut =
        (part: string): FaultPlan =>
        (request) =>
          request.method === 'PUT' && request.target.includes(`/${prefix}.ws/${part}`) ? 'before' : undefined;
      const lostAnswer: FaultPlan = (request) => (isPut('HEAD')(request) === undefined ? undefined : 'after');
      for (const plan of [isPut('packs/'), isPut('manifests/'), lostAnswer]) {
        let back = (): Promise<void> => Promise.resolve();
        await proxy.arm(plan, async () => {
          back = await killPart(cluster.kubectl, 'node');
        });
        proxy.heal();
        const head = await withRestoredHead(cluster, prefix, readWriterState);
        expect(holdsAllOf(head, committed)).toBe(true);
        await back();
        committed = await untilCommitted(cluster, sandbox.userId, await writer.written());
      }
      const last = await writer.stop();
      await cluster.remove(name);
      expect((await withRestoredHead(cluster, prefix, readWriterState)).last).toBe(last);
    },
  );
});
