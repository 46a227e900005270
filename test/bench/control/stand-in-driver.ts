import type { Pod } from '../../../src/api/pod.ts';
import type { Sandbox } from '../../../src/api/sandbox.ts';
import { workspacePrefix } from '../../../src/api/workspace-id.ts';
import { rfc3339, systemClock as clock } from '../../../src/base/clock.ts';
import { systemRandom as random } from '../../../src/base/random.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { PODS, SANDBOXES, WORKSPACES } from '../../../src/kube/resource-types.ts';
import type { SessionRecord } from '../../../src/node/session-record.ts';
import { statusPatch } from '../../../src/node/session-status.ts';
import { makeInformer } from '../../../src/runtime/informer.ts';
import { objectKey } from '../../../src/runtime/object-key.ts';
import { NAMESPACE } from './arrivals.ts';

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * Says of every home what a node driver says of an empty one, in its words (src/node/session-status.ts) and when it may:
 * open, once the pod is bound and the Sandbox has recorded its uid; closed, once the pod is gone. It restores nothing,
 * mounts nothing and saves nothing. Resolves when it follows both kinds.
 */
export const startStandInDriver = async (kube: KubeClient, signal: AbortSignal): Promise<void> => {
  const common = { client: kube, selection: { namespace: NAMESPACE }, clock, random, log };
  const pods = makeInformer<Pod>({ ...common, type: PODS });
  const sandboxes = makeInformer<Sandbox>({ ...common, type: SANDBOXES });
  const told = new Set<string>();
  const report = async (sandbox: Sandbox, node: string, state: 'Open' | 'Closed'): Promise<void> => {
    const { name: workspace = '', epoch = 0 } = sandbox.status?.workspace ?? {};
    const { name, uid: sandboxUid = '' } = sandbox.metadata;
    const podUid = sandbox.status?.podUid ?? '';
    if (epoch === 0 || told.has(`${podUid} ${state}`)) return;
    told.add(`${podUid} ${state}`);
    const record: SessionRecord = {
      format: 1,
      namespace: NAMESPACE,
      sandbox: name,
      sandboxUid,
      pod: name,
      podUid,
      userId: sandbox.spec.userId,
      workspace,
      prefix: workspacePrefix(sandbox.spec.userId),
      epoch,
      volumeId: podUid,
      target: '/',
      released: state === 'Closed',
      state,
      stored: state === 'Closed',
      openedAt: rfc3339(clock.now()),
    };
    const nothing = { failure: undefined, progress: undefined, dirty: false, skipped: 0, head: undefined, commits: [] };
    const patch = statusPatch({ record, ready: true, ...nothing }, node, clock.now());
    await kube.jsonPatch({ type: WORKSPACES, namespace: NAMESPACE, name: workspace }, patch, { subresource: 'status' });
  };
  const look = (key: string): void => {
    const [sandbox, pod] = [sandboxes.store.get(key), pods.store.get(key)];
    const node = pod?.spec?.nodeName;
    if (sandbox === undefined || node === undefined || sandbox.status?.podUid !== pod?.metadata.uid) return;
    void report(sandbox, node, 'Open');
  };
  sandboxes.onChange(({ object }) => look(objectKey(object)));
  pods.onChange(({ kind, object }) => {
    const sandbox = sandboxes.store.get(objectKey(object));
    if (kind !== 'deleted') look(objectKey(object));
    else if (sandbox !== undefined) void report(sandbox, object.spec?.nodeName ?? '', 'Closed');
  });
  for (const informer of [pods, sandboxes]) void informer.run(signal);
  await Promise.all([pods.synced, sandboxes.synced]);
};
