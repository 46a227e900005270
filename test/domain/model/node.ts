import { CSI_DRIVER_NAME } from '../../../src/api/names.ts';
import type { Pod } from '../../../src/api/pod.ts';
import type { Sandbox } from '../../../src/api/sandbox.ts';
import type { Workspace, WorkspaceSession } from '../../../src/api/workspace.ts';
import { rfc3339 } from '../../../src/base/clock.ts';
import { homeOf } from '../../../src/domain/home.ts';
import { isReady } from '../../../src/domain/node-loss.ts';
import type { ApiServer } from '../../support/model-api-server/api-server.ts';

/** Scheduler, kubelets, node drivers and bucket of a cluster of two nodes, one small step at a time. */
export interface ModelNode {
  /** Does the next thing that is due for the pod or the home of this name. False: nothing is. */
  readonly step: (name: string) => boolean;
  /** The agent writes a file. */
  readonly write: (name: string) => void;
  /** The pod is evicted. */
  readonly evict: (name: string) => void;
  /** Someone else's commit: the next one of this home finds a newer epoch. */
  readonly fence: (name: string) => void;
  readonly bucket: { reachable: boolean };
  /** Of which pods there are homes on a node, whether the pods are still there or not. */
  readonly homes: () => readonly string[];
  /** The node is not heard of any more: nothing on it gets on, and nobody knows why. */
  readonly silence: (node: NodeName) => void;
  readonly returns: (node: NodeName) => void;
}

/** The scheduler takes the first that is Ready. */
export const NODE_NAMES = ['node-1', 'node-2'] as const;
export type NodeName = (typeof NODE_NAMES)[number];

interface Volume {
  readonly workspace: string;
  readonly epoch: number;
  readonly podName: string;
  readonly node: string;
}

export const makeNode = (api: ApiServer): ModelNode => {
  const bucket = { reachable: true };
  /** Pods whose volume is published, by uid; what a force deletion leaves behind. */
  const published = new Map<string, Volume>();

  for (const name of NODE_NAMES) api.create('nodes', { metadata: { name }, status: readiness('True', api.now()) });
  const isAlive = (name: string | undefined): boolean => {
    const node = api.newest().nodes.get(name ?? '');
    return node !== undefined && isReady(node);
  };
  const turn = (name: NodeName, status: 'True' | 'Unknown'): void => {
    if (isAlive(name) === (status === 'True')) return;
    api.update('nodes', name, (node) => ({ ...node, status: readiness(status, api.now()) }));
  };

  const patchPod = (pod: Pod, status: Pod['status']): true => {
    api.update('pods', pod.metadata.name, (newest) => ({ ...newest, status: { ...newest.status, ...status } }));
    return true;
  };

  /** The driver's JSON patch: refused unless the writer's epoch is still the session's. */
  const patchSession = (
    workspaceName: string,
    session: Partial<WorkspaceSession> & { readonly epoch: number },
    head?: Workspace['status'],
  ): boolean => {
    const workspace = api.newest().workspaces.get(workspaceName);
    const node = session.node ?? workspace?.status?.session?.node;
    if (!isAlive(node)) return false;
    if (workspace?.status?.writer?.epoch !== session.epoch) return false;
    const before = workspace.status.session;
    const { reason: _reason, ...kept } = before?.epoch === session.epoch ? before : ({} as Partial<WorkspaceSession>);
    const next: WorkspaceSession = {
      node: node ?? '',
      state: 'Restoring',
      dirty: false,
      ...kept,
      ...session,
      updatedAt: rfc3339(api.now()),
    };
    if (JSON.stringify({ ...next, updatedAt: '' }) === JSON.stringify({ ...before, updatedAt: '' })) return false;
    api.update('workspaces', workspaceName, (newest) => ({
      ...newest,
      status: { ...newest.status, ...head, session: next },
    }));
    return true;
  };

  const commit = (workspaceName: string, session: Partial<WorkspaceSession> & { readonly epoch: number }): boolean => {
    const sequence = (api.newest().workspaces.get(workspaceName)?.status?.head?.sequence ?? 0) + 1;
    const head = {
      epoch: session.epoch,
      sequence,
      manifest: `m-${sequence}`,
      committedAt: rfc3339(api.now()),
      files: 1,
      bytes: 1,
    };
    return patchSession(workspaceName, { ...session, dirty: false }, { head });
  };

  const unpublish = (uid: string): boolean => {
    const volume = published.get(uid);
    if (volume === undefined) return false;
    const session = api.newest().workspaces.get(volume.workspace)?.status?.session;
    if (session?.epoch !== volume.epoch || session.state === 'Closed' || session.state === 'Conflict') {
      published.delete(uid);
      return true;
    }
    if (session.state !== 'Saving') return patchSession(volume.workspace, { epoch: volume.epoch, state: 'Saving' });
    if (!bucket.reachable) return patchSession(volume.workspace, { epoch: volume.epoch, reason: 'StorageUnreachable' });
    return commit(volume.workspace, { epoch: volume.epoch, state: 'Closed' });
  };

  const publish = (pod: Pod, sandbox: Sandbox | undefined): boolean => {
    const uid = pod.metadata.uid ?? '';
    const home = sandbox === undefined ? undefined : homeOf(sandbox);
    if (sandbox === undefined || home?.kind !== 'workspace' || sandbox.status?.podUid !== uid) return false;
    const node = pod.spec?.nodeName ?? '';
    const { writer, session } = api.newest().workspaces.get(home.name)?.status ?? {};
    if (writer?.uid !== sandbox.metadata.uid) return false;
    const { epoch } = writer ?? { epoch: 0 };
    if (session?.epoch !== epoch) {
      published.set(uid, { workspace: home.name, epoch, podName: pod.metadata.name, node });
      return patchSession(home.name, { epoch, node });
    }
    if (session.state !== 'Restoring' || session.node !== node) return false;
    if (!bucket.reachable) return patchSession(home.name, { epoch, reason: 'StorageUnreachable' });
    return patchSession(home.name, { epoch, state: 'Open', openedAt: rfc3339(api.now()) });
  };

  /** The garbage collector also finds what was made after its owner had gone. */
  const isOrphan = (pod: Pod): boolean =>
    pod.metadata.ownerReferences?.every(
      (owner) => api.newest().sandboxes.get(owner.name)?.metadata.uid !== owner.uid,
    ) ?? false;

  const stepPod = (pod: Pod): boolean => {
    const sandbox = api.newest().sandboxes.get(pod.metadata.name);
    const uid = pod.metadata.uid ?? '';
    const isStuck = pod.spec?.nodeName !== undefined && !isAlive(pod.spec.nodeName);
    if (isStuck && (pod.metadata.deletionTimestamp !== undefined || !isOrphan(pod))) return false;
    if (pod.metadata.deletionTimestamp !== undefined) {
      if (unpublish(uid)) return true;
      if (published.has(uid)) return false;
      api.erase('pods', pod.metadata.name);
      return true;
    }
    if (isOrphan(pod)) {
      api.delete('pods', pod.metadata.name, { uid });
      return true;
    }
    if (pod.status?.phase === 'Failed') return unpublish(uid);
    if (pod.spec?.nodeName === undefined) {
      const nodeName = NODE_NAMES.find(isAlive);
      if (nodeName === undefined) return false;
      api.update('pods', pod.metadata.name, (newest) => ({ ...newest, spec: { ...newest.spec, nodeName } }));
      return patchPod(pod, { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] });
    }
    if (needsVolume(pod) && !isOpen(pod)) return publish(pod, sandbox);
    if (pod.status?.phase !== 'Running') {
      return patchPod(pod, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] });
    }
    return commitDirty(uid);
  };

  const commitDirty = (uid: string): boolean => {
    const volume = published.get(uid);
    const session = volume === undefined ? undefined : api.newest().workspaces.get(volume.workspace)?.status?.session;
    if (volume === undefined || session?.epoch !== volume.epoch || !session.dirty || session.state !== 'Open')
      return false;
    return bucket.reachable
      ? commit(volume.workspace, { epoch: volume.epoch })
      : patchSession(volume.workspace, { epoch: volume.epoch, reason: 'StorageUnreachable' });
  };

  const isOpen = (pod: Pod): boolean => {
    const volume = published.get(pod.metadata.uid ?? '');
    const session = volume === undefined ? undefined : api.newest().workspaces.get(volume.workspace)?.status?.session;
    return session !== undefined && session.epoch === volume?.epoch && session.state === 'Open';
  };

  const volumeOf = (name: string) => [...published.values()].find((volume) => volume.podName === name);

  return {
    bucket,
    homes: () => [...published.values()].map(({ podName }) => podName),
    silence: (name) => turn(name, 'Unknown'),
    returns: (name) => turn(name, 'True'),
    step: (name) => {
      // Homes whose pod is gone: the driver closes them by itself.
      for (const [uid, volume] of published) {
        if (!isAlive(volume.node)) continue;
        if (volume.podName === name && api.newest().pods.get(name)?.metadata.uid !== uid && unpublish(uid)) return true;
      }
      const pod = api.newest().pods.get(name);
      return pod === undefined ? false : stepPod(pod);
    },
    write: (name) => {
      const volume = volumeOf(name);
      const pod = api.newest().pods.get(name);
      if (volume !== undefined && pod !== undefined && isOpen(pod))
        patchSession(volume.workspace, { epoch: volume.epoch, dirty: true });
    },
    evict: (name) => {
      const pod = api.newest().pods.get(name);
      if (pod !== undefined && isAlive(pod.spec?.nodeName))
        patchPod(pod, { phase: 'Failed', reason: 'Evicted', conditions: [] });
    },
    fence: (name) => {
      const volume = volumeOf(name);
      if (volume !== undefined)
        patchSession(volume.workspace, { epoch: volume.epoch, state: 'Conflict', reason: 'Fenced' });
    },
  };
};

const readiness = (status: 'True' | 'Unknown', now: number) => ({
  conditions: [{ type: 'Ready', status, lastTransitionTime: rfc3339(now) }],
});

const needsVolume = (pod: Pod): boolean => JSON.stringify(pod.spec?.['volumes'] ?? []).includes(CSI_DRIVER_NAME);
