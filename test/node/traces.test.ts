import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { ANNOTATION_TRACEPARENT } from '../../src/api/names.ts';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { noTracer, type Tracer } from '../../src/base/tracer.ts';
import { homesDir } from '../../src/node/home-paths.ts';
import { csiSocketPath } from '../../src/node/kubelet-registration.ts';
import { makeMounts } from '../../src/node/mounts.ts';
import { makeNodeDriver, type NodeDriver } from '../../src/node/node-driver.ts';
import { noMetrics } from '../../src/node/node-metrics.ts';
import type { ObjectStore } from '../../src/workspace/object-store.ts';
import { spanFields } from '../../src/telemetry/tracing.ts';
import { startTraceReceiver, type TraceReceiver, traceTo } from '../support/trace-receiver.ts';
import { connectCsi, type CsiClient } from './support/csi-client.ts';
import { driverSettings } from './support/driver-settings.ts';
import { makeEffects } from './support/effects.ts';
import { makeFakeBucket } from './support/fake-bucket.ts';
import { makeFakeCluster, NODE, type FakeCluster } from './support/fake-cluster.ts';
import { makeFakeCold } from './support/fake-cold.ts';

const TRACE = 'a'.repeat(32);
const PASS = 'b'.repeat(16);
const WHOSE = { sandbox_id: 'demo', user_id: 'ann', workspace: 'ann', epoch: 1 };

const podWith = (annotations: Readonly<Record<string, string>>) => ({
  metadata: {
    name: 'demo',
    uid: 'pod-uid',
    annotations,
    ownerReferences: [
      { apiVersion: 'matrx.dev/v1alpha1', kind: 'Sandbox', name: 'demo', uid: 'sandbox-uid', controller: true },
    ],
  },
  spec: { nodeName: NODE },
});

// Real sockets and mounts: needs root, as the driver does.
describe('the node driver’s spans', () => {
  let folder: string;
  let target: string;
  let receiver: TraceReceiver;
  let tracer: Tracer;
  let cluster: FakeCluster;
  let driver: NodeDriver;
  let node: CsiClient;
  let lines: string[];

  const start = async (given: Tracer): Promise<void> => {
    const kubeletDir = path.join(folder, 'kubelet');
    driver = makeNodeDriver(
      {
        kube: cluster.client(makeEffects()),
        store: { name: 's3://bucket' } as unknown as ObjectStore,
        openHome: makeFakeBucket({ old: 'from before' }).openHome(makeEffects()),
        checkStorage: () => Promise.resolve({ ok: true }),
        mounts: makeMounts(),
        cold: makeFakeCold(),
        clock: systemClock,
        random: systemRandom,
        log: pino({ mixin: () => spanFields(given) }, { write: (line) => void lines.push(line) }),
        metrics: noMetrics,
        tracer: given,
      },
      driverSettings(folder, kubeletDir),
    );
    await driver.part.start({ signal: new AbortController().signal, fail: () => undefined });
    node = connectCsi(csiSocketPath(kubeletDir), 'csi.v1.Node');
  };
  const publish = (token = 'token of pod-uid'): Promise<unknown> =>
    node.call('NodePublishVolume', {
      volumeId: 'csi-1',
      targetPath: target,
      volumeCapability: { mount: {} },
      secrets: {
        'csi.storage.k8s.io/serviceAccount.tokens': JSON.stringify({ 'workspace.matrx.dev': { token } }),
      },
      volumeContext: { tier: 'hot' },
    });
  const unpublish = (): Promise<unknown> => node.call('NodeUnpublishVolume', { volumeId: 'csi-1', targetPath: target });

  beforeEach(async () => {
    folder = await mkdtemp('/dev/shm/matrx-traces-');
    target = path.join(folder, 'kubelet/pods/pod-uid/volumes/kubernetes.io~csi/home/mount');
    await mkdir(path.dirname(target), { recursive: true });
    lines = [];
    cluster = makeFakeCluster();
    receiver = await startTraceReceiver();
    tracer = traceTo(receiver.endpoint);
  });
  afterEach(async () => {
    node.close();
    await driver.part.stop();
    await makeMounts().unbind(target);
    execFileSync('umount', [homesDir(path.join(folder, 'state'))]);
    await rm(folder, { recursive: true });
    await tracer.stop();
    await receiver.close();
  });

  test('publish and restore are below the pass that made the pod; a commit and the end are traces of their own', async () => {
    cluster.set('Pod', 'demo', podWith({ [ANNOTATION_TRACEPARENT]: `00-${TRACE}-${PASS}-01` }));
    await start(tracer);
    await publish();
    expect(await receiver.until('csi.v1.Node/NodePublishVolume')).toMatchObject({
      kind: 'server',
      traceId: TRACE,
      parentSpanId: PASS,
      failed: false,
      attributes: { ...WHOSE, tier: 'hot', files: 1, bytes: 0, 'rpc.method': 'NodePublishVolume' },
    });
    expect(await receiver.until('restore workspace')).toMatchObject({
      traceId: TRACE,
      parentSpanId: PASS,
      attributes: { ...WHOSE, files: 1, bytes: 0 },
    });
    await writeFile(path.join(target, 'new'), 'more');
    await unpublish();
    expect(await receiver.until('csi.v1.Node/NodeUnpublishVolume')).toMatchObject({
      parentSpanId: '',
      attributes: { ...WHOSE, tier: 'hot' },
    });
    const commits = receiver.spans().filter(({ name }) => name === 'commit workspace');
    expect(commits).toHaveLength(1);
    expect(commits[0]).toMatchObject({ parentSpanId: '', attributes: { ...WHOSE, final: true, files: 2 } });
    expect(receiver.text()).not.toContain('token of');
  });

  test('a call that is refused has failed, with its gRPC status and without a word of why', async () => {
    await start(tracer);
    await expect(publish('token of nobody')).rejects.toThrow();
    expect(await receiver.until('csi.v1.Node/NodePublishVolume')).toMatchObject({
      parentSpanId: '',
      failed: true,
      attributes: { 'error.type': 'UNAUTHENTICATED', 'rpc.grpc.status_code': 16 },
    });
    expect(receiver.text()).not.toContain('nobody');
    const { traceId } = await receiver.until('csi.v1.Node/NodePublishVolume');
    const told = lines.find((line) => line.includes('call not done'));
    expect(JSON.parse(told ?? '{}')).toMatchObject({ trace_id: traceId, code: 'Unauthenticated' });
    cluster.set('Pod', 'demo', podWith({}));
    await publish();
  });

  test.each(['nonsense', `00-${TRACE}-${PASS}-01\n`])('a pod’s %j is no trace', async (text) => {
    cluster.set('Pod', 'demo', podWith({ [ANNOTATION_TRACEPARENT]: text }));
    await start(tracer);
    await publish();
    expect(await receiver.until('csi.v1.Node/NodePublishVolume')).toMatchObject({ parentSpanId: '' });
  });

  test('off: what a pod tells of a trace is not even kept', async () => {
    cluster.set('Pod', 'demo', podWith({ [ANNOTATION_TRACEPARENT]: `00-${TRACE}-${PASS}-01` }));
    await start(noTracer);
    await publish();
    expect(driver.views()[0]?.record).not.toHaveProperty('traceparent');
    expect(receiver.headers()).toEqual([]);
  });
});
