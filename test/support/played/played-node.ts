import type { Pod } from '../../../src/api/pod.ts';
import type { Sandbox } from '../../../src/api/sandbox.ts';
import { LABEL_PURGE } from '../../../src/api/names.ts';
import type { Workspace, WorkspaceSession } from '../../../src/api/workspace.ts';
import { rfc3339, systemClock as clock } from '../../../src/base/clock.ts';
import type { Json } from '../../../src/base/json.ts';
import { systemRandom as random } from '../../../src/base/random.ts';
import { homeOf } from '../../../src/domain/home.ts';
import type { JsonPatchOperation, KubeClient, ResourceType } from '../../../src/kube/client.ts';
import { isKubeError } from '../../../src/kube/errors.ts';
import { PODS, SANDBOXES, WORKSPACES } from '../../../src/kube/resource-types.ts';
import { makeController, type ReconcileResult } from '../../../src/runtime/controller.ts';
import { makeInformer } from '../../../src/runtime/informer.ts';
import { keyOf, objectKey } from '../../../src/runtime/object-key.ts';
import type { StoreReader } from '../../../src/runtime/store.ts';
import { makeRecordingLog } from '../recording-log.ts';
import { isPodReady } from '../../../src/domain/pod-view.ts';

/** kubelet and node driver of the pods of one namespace, played from end to end over the real API server. */
export interface PlayedNode {
  readonly sandboxes: StoreReader<Sandbox>;
  readonly workspaces: StoreReader<Workspace>;
  readonly pods: StoreReader<Pod>;
  /** What the bucket has of each workspace: the newest commit. */
  readonly bucket: ReadonlyMap<string, Commit>;
  /** Whatever went against a promise: two homes of one workspace, a commit that was not restored. */
  readonly wrongs: readonly string[];
  /** Pods of this name are not started, or their end not seen to, until this is taken back. */
  readonly hold: (name: string, what: 'start' | 'end' | undefined) => void;
  /** The agent writes and the driver commits. */
  readonly commit: (name: string) => Promise<void>;
  /** Homes that the driver has open, whatever has become of their pods. */
  readonly open: () => readonly OpenHome[];
  /** `kubectl delete --force`: the pod is gone from the API, and on the node it is still to be ended. */
  readonly snatch: (name: string) => Promise<void>;
  /** The pod is evicted. */
  readonly evict: (name: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface Commit {
  readonly epoch: number;
  readonly sequence: number;
}

export interface OpenHome {
  readonly workspace: string;
  readonly epoch: number;
}

interface Home extends OpenHome {
  readonly podUid: string;
  /** When it is saved, on the monotonic clock; undefined: it is in use. */
  readonly savedAt?: number;
}

export interface PlayedNodeOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly node: string;
}

const DONE: ReconcileResult = { kind: 'done' };
/** Long enough for what must wait for the save to do wrong. */
const SAVE_MS = 100;

export const startPlayedNode = async ({ client, namespace, node }: PlayedNodeOptions): Promise<PlayedNode> => {
  const log = makeRecordingLog();
  const common = { client, clock, random, log, selection: { namespace } };
  const pods = makeInformer<Pod>({ ...common, type: PODS });
  const sandboxes = makeInformer<Sandbox>({ ...common, type: SANDBOXES });
  const workspaces = makeInformer<Workspace>({ ...common, type: WORKSPACES });
  const bucket = new Map<string, Commit>();
  const homes = new Map<string, Home>();
  const wrongs: string[] = [];
  const held = new Map<string, 'start' | 'end'>();
  const ref = (type: ResourceType, name: string) => ({ type, namespace, name });
  const now = (): string => rfc3339(clock.now());

  const patchPod = async (pod: Pod, status: object): Promise<void> => {
    pods.put(
      await client.mergePatch<Pod>(ref(PODS, pod.metadata.name), { status: status as Json }, { subresource: 'status' }),
    );
  };

  /** Refused by the API server unless the writer's epoch is still the home's. */
  const report = async (home: Home, state: WorkspaceSession['state'], commit?: Commit): Promise<void> => {
    const at = now();
    const session = { epoch: home.epoch, node, state, dirty: false, openedAt: at, updatedAt: at };
    const head = commit && { ...commit, manifest: manifestOf(commit), committedAt: at, files: 1, bytes: 1 };
    const patch: readonly JsonPatchOperation[] = [
      { op: 'test', path: '/status/writer/epoch', value: home.epoch },
      { op: 'add', path: '/status/session', value: session },
      ...(head === undefined ? [] : [{ op: 'add', path: '/status/head', value: head } as const]),
    ];
    workspaces.put(await client.jsonPatch(ref(WORKSPACES, home.workspace), patch, { subresource: 'status' }));
  };

  const publish = async (home: Home, state: WorkspaceSession['state']): Promise<void> => {
    const before = bucket.get(home.workspace);
    if (before !== undefined && before.epoch > home.epoch) throw new Error(`epoch ${home.epoch} is fenced`);
    const commit = { epoch: home.epoch, sequence: (before?.sequence ?? 0) + 1 };
    bucket.set(home.workspace, commit);
    await report(home, state, commit);
  };

  /** Says that it saves, and has saved a moment later. Resolves with the milliseconds until then; 0: it is closed. */
  const close = async (name: string, home: Home): Promise<number> => {
    if (home.savedAt === undefined) {
      await report(home, 'Saving');
      homes.set(name, { ...home, savedAt: clock.monotonic() + SAVE_MS });
      return SAVE_MS;
    }
    const left = home.savedAt - clock.monotonic();
    if (left > 0) return left;
    await publish(home, 'Closed');
    homes.delete(name);
    return 0;
  };

  const open = async (name: string, podUid: string, sandbox: Sandbox, workspace: string): Promise<boolean> => {
    const { writer, session, head } = workspaces.store.get(keyOf(namespace, workspace))?.status ?? {};
    if (writer?.uid !== sandbox.metadata.uid || writer === undefined || session?.epoch === writer.epoch) return false;
    const home = { podUid, workspace, epoch: writer.epoch };
    const other = [...homes.values()].find((one) => one.workspace === workspace);
    if (other !== undefined) wrongs.push(`${workspace} is open twice: epochs ${other.epoch} and ${home.epoch}`);
    const stored = bucket.get(workspace)?.sequence;
    if (head?.sequence !== stored) wrongs.push(`${workspace}: head ${head?.sequence}, but the bucket has ${stored}`);
    homes.set(name, home);
    try {
      await report(home, 'Open');
    } catch (error) {
      homes.delete(name);
      throw error;
    }
    return true;
  };

  const run = async (pod: Pod): Promise<void> => {
    const { name, uid = '' } = pod.metadata;
    const sandbox = sandboxes.store.get(objectKey(pod));
    if (held.get(name) === 'start' || sandbox === undefined || sandbox.status?.podUid !== uid) return;
    const home = homeOf(sandbox);
    if (home.kind === 'workspace' && !homes.has(name) && !(await open(name, uid, sandbox, home.name))) return;
    if (isPodReady(pod)) return;
    await patchPod(pod, { phase: 'Running', podIP: '10.99.0.1', conditions: [{ type: 'Ready', status: 'True' }] });
  };

  const end = async (pod: Pod): Promise<void> => {
    await client.mergePatch(ref(PODS, pod.metadata.name), { metadata: { finalizers: null } }).catch(ignoreNotFound);
  };

  const step = async (name: string): Promise<ReconcileResult> => {
    const pod = pods.store.get(keyOf(namespace, name));
    const home = homes.get(name);
    const isEnding = pod?.metadata.deletionTimestamp !== undefined;
    if (isEnding && held.get(name) === 'end') return DONE;
    const isOver = isEnding || pod?.status?.phase === 'Failed' || pod?.metadata.uid !== home?.podUid;
    const left = home !== undefined && isOver ? await close(name, home) : 0;
    if (left > 0) return { kind: 'requeueAfter', ms: left };
    if (pod !== undefined && isEnding) await end(pod);
    else if (pod !== undefined && pod.status?.phase !== 'Failed') await run(pod);
    return DONE;
  };

  const purge = async (workspace: Workspace): Promise<void> => {
    if (workspace.metadata.labels?.[LABEL_PURGE] === undefined || workspace.status?.purge !== undefined) return;
    bucket.delete(workspace.metadata.name);
    const status = { purge: { state: 'Purged', node, objects: 1, updatedAt: now() } };
    await client.mergePatch(ref(WORKSPACES, workspace.metadata.name), { status }, { subresource: 'status' });
  };

  const kubelet = makeController({
    name: 'played-kubelet',
    clock,
    random,
    log,
    workers: 4,
    backoff: { baseMs: 20, maxMs: 500 },
    reconcile: async (key) => {
      const workspace = key.startsWith('purge:') ? workspaces.store.get(key.slice('purge:'.length)) : undefined;
      if (workspace === undefined) return step(key);
      await purge(workspace);
      return DONE;
    },
  });
  pods.onChange(({ object }) => kubelet.enqueue(object.metadata.name));
  sandboxes.onChange(({ object }) => kubelet.enqueue(object.metadata.name));
  workspaces.onChange(({ object }) => {
    kubelet.enqueue(`purge:${objectKey(object)}`);
    if (object.status?.writer !== undefined) kubelet.enqueue(object.status.writer.sandbox);
  });
  const stopping = new AbortController();
  const informers = [pods, sandboxes, workspaces];
  const running = Promise.all(informers.map((informer) => informer.run(stopping.signal)));
  await Promise.all(informers.map(({ synced }) => synced));
  kubelet.start();

  return {
    sandboxes: sandboxes.store,
    workspaces: workspaces.store,
    pods: pods.store,
    bucket,
    wrongs,
    hold: (name, what) => {
      if (what === undefined) held.delete(name);
      else held.set(name, what);
      kubelet.enqueue(name);
    },
    commit: async (name) => {
      const home = homes.get(name);
      if (home === undefined) throw new Error(`no home of ${name} is open`);
      await publish(home, 'Open');
    },
    open: () => [...homes.values()],
    snatch: async (name) => {
      await client.delete(ref(PODS, name), { gracePeriodSeconds: 0 }).catch(ignoreNotFound);
      const pod = pods.store.get(keyOf(namespace, name));
      if (pod !== undefined) await end(pod);
    },
    evict: async (name) => {
      const pod = pods.store.get(keyOf(namespace, name));
      if (pod === undefined) throw new Error(`there is no pod ${name}`);
      await patchPod(pod, { phase: 'Failed', reason: 'Evicted', conditions: [] });
    },
    stop: async () => {
      await kubelet.stop(0);
      stopping.abort();
      await running;
    },
  };
};

const ignoreNotFound = (error: unknown): void => {
  if (!isKubeError(error, 'NotFound')) throw error;
};

const manifestOf = ({ epoch, sequence }: Commit): string =>
  `.ws/manifests/${String(epoch).padStart(10, '0')}-${String(sequence).padStart(10, '0')}-00000000.json.gz`;
