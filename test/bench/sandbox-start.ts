import { findCondition } from '../../src/api/condition.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { Pod } from '../../src/api/pod.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { ObjectRef, ResourceType } from '../../src/kube/client.ts';
import { NODES, PODS, SANDBOXES } from '../../src/kube/resource-types.ts';
import { NAMESPACE } from '../support/e2e/cluster.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { aSandbox, type SandboxBuilder } from '../support/e2e/sandbox-builder.ts';
import type { Bench, BenchContext } from './context.ts';
import { comparedWith, secondsMeasured } from './measurement.ts';
import { NOOP_DRIVER_NAME, startNoopCsiDriver } from './noop-csi-driver.ts';
import { deleteObject, watchObject } from './watch-object.ts';

const KUBELET_DIR = '/var/lib/kubelet';
const CSI_DRIVERS: ResourceType = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  namespaced: false,
};
/** The first start after a pause pays for cold caches on both sides. */
const WARM_UP = 1;

/**
 * From the moment the create request is sent to the moment the API server tells a watcher that it is Ready. The bare
 * pod is the sandbox's own pod with another driver name: same node, same image, same security, same probes. Both in
 * turn, so that whatever else the machine does meets both.
 */
export const sandboxStart: Bench = {
  name: 'sandbox-start',
  about: 'create → Ready of a new user, next to a bare pod with a no-op inline CSI volume',
  seconds: 1200,
  run: async (context) => {
    const nodeName = await onlyNode(context);
    const driver = await startNoopCsiDriver(KUBELET_DIR, nodeName);
    try {
      await createNoopDriverObject(context);
      await Promise.race([driver.registered, rejectOnAbort(context.signal)]);
      const sandboxes: number[] = [];
      const pods: number[] = [];
      for (let round = 0; round < context.starts + WARM_UP; round += 1) {
        const { seconds, pod } = await startSandbox(context, aSandbox('bench'));
        const bare = await startBarePod(context, pod);
        context.say(
          `   ${round < WARM_UP ? 'warm-up' : round}: sandbox ${seconds.toFixed(3)} s, pod ${bare.toFixed(3)} s`,
        );
        if (round < WARM_UP) continue;
        sandboxes.push(seconds);
        pods.push(bare);
      }
      const measurement = secondsMeasured('sandbox-start', sandboxes, { goal: 'at most 1.3 times the bare pod' });
      return [comparedWith(measurement, 'bare pod, no-op CSI volume', pods)];
    } finally {
      await driver.close();
      await deleteObject(context.kube, NOOP_DRIVER, AbortSignal.timeout(30_000));
    }
  },
};

const NOOP_DRIVER: ObjectRef = { type: CSI_DRIVERS, name: NOOP_DRIVER_NAME };

const onlyNode = async ({ kube, signal }: BenchContext): Promise<string> => {
  const { items } = await kube.list(NODES, {}, { signal });
  const [node] = items;
  if (items.length === 1 && node !== undefined) return node.metadata.name;
  throw new Error(
    `the cluster has ${items.length} nodes: the no-op driver serves only this machine, so it has to be the one node`,
  );
};

const createNoopDriverObject = async ({ kube, signal }: BenchContext): Promise<void> => {
  await deleteObject(kube, NOOP_DRIVER, signal);
  const object: KubeObject & { readonly spec: object } = {
    metadata: { name: NOOP_DRIVER_NAME },
    spec: { attachRequired: false, podInfoOnMount: false, fsGroupPolicy: 'None', volumeLifecycleModes: ['Ephemeral'] },
  };
  await kube.create(CSI_DRIVERS, undefined, object, { signal });
};

/** From its creation to its Ready, with the pod that it had; it is deleted again. */
export const startSandbox = async (
  context: BenchContext,
  sandbox: SandboxBuilder,
): Promise<{ readonly seconds: number; readonly pod: Pod }> => {
  const ref: ObjectRef = { type: SANDBOXES, namespace: NAMESPACE, name: sandbox.name };
  const isReady = (found: Sandbox | undefined): boolean =>
    findCondition(found?.status?.conditions, 'Ready')?.status === 'True';
  try {
    const seconds = await timeToReady(context, ref, sandbox.build() as Sandbox, isReady);
    const pod = await context.kube.get<Pod>(
      { type: PODS, namespace: NAMESPACE, name: sandbox.name },
      { signal: context.signal },
    );
    return { seconds, pod };
  } finally {
    await deleteObject(context.kube, ref, AbortSignal.timeout(120_000));
  }
};

const startBarePod = async (context: BenchContext, like: Pod): Promise<number> => {
  const pod = withNoopVolume(like);
  const ref: ObjectRef = { type: PODS, namespace: NAMESPACE, name: pod.metadata.name };
  const isReady = (found: Pod | undefined): boolean =>
    found?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  try {
    return await timeToReady(context, ref, pod, isReady);
  } finally {
    await deleteObject(context.kube, ref, AbortSignal.timeout(120_000));
  }
};

const timeToReady = async <T extends KubeObject>(
  { kube, signal }: BenchContext,
  ref: ObjectRef,
  object: T,
  isReady: (object: T | undefined) => boolean,
): Promise<number> => {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(120_000)]);
  const startedAt = systemClock.monotonic();
  const created = await kube.create<T>(ref.type, ref.namespace, object, { signal: deadline });
  await watchObject(kube, ref, created.metadata.resourceVersion ?? '', isReady, deadline);
  return (systemClock.monotonic() - startedAt) / 1000;
};

/** The same pod, of nobody, whose inline volume is the no-op driver's. */
const withNoopVolume = ({ spec }: Pod): Pod => {
  const { nodeName: _scheduled, ...rest } = spec ?? {};
  const volumes = (rest['volumes'] ?? []) as readonly { readonly name: string; readonly csi?: object }[];
  return {
    metadata: { name: uniqueName('bench-pod'), namespace: NAMESPACE },
    spec: {
      ...rest,
      volumes: volumes.map((volume) =>
        volume.csi === undefined ? volume : { name: volume.name, csi: { driver: NOOP_DRIVER_NAME } },
      ),
    },
  };
};

const rejectOnAbort = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
