import type { KubeObject } from '../../../src/api/meta.ts';
import type { WorkspaceRestore, WorkspaceSession, WorkspaceStatus } from '../../../src/api/workspace.ts';
import type {
  JsonPatchOperation,
  KubeClient,
  ListPage,
  ObjectRef,
  ResourceType,
  WatchEvent,
} from '../../../src/kube/client.ts';
import { KubeError } from '../../../src/kube/errors.ts';
import type { Effects } from './effects.ts';

type Verbs = Pick<KubeClient, 'get' | 'list' | 'watch' | 'create' | 'jsonPatch' | 'mergePatch'>;

/** The few objects of one sandbox, as the controller leaves them when the pod has been made. */
export interface FakeCluster {
  readonly client: (effects: Effects) => Verbs;
  readonly session: () => WorkspaceSession | undefined;
  readonly status: () => WorkspaceStatus;
  /** States in the order in which they were reported. */
  readonly states: () => readonly string[];
  readonly statusWrites: () => number;
  readonly created: (kind: string) => readonly KubeObject[];
  readonly configMaps: () => readonly object[];
  /** How many watches are open. */
  readonly watchers: () => number;
  readonly set: (kind: string, name: string, object: object | undefined) => void;
  readonly setCold: (cold: NonNullable<WorkspaceStatus['cold']>) => void;
  readonly setWriter: (writer: WorkspaceStatus['writer']) => void;
  readonly setConflicts: (conflicts: NonNullable<WorkspaceStatus['conflicts']>) => void;
  readonly setPurge: (purge: NonNullable<WorkspaceStatus['purge']>) => void;
  readonly setSession: (session: WorkspaceSession) => void;
  readonly setHistory: (history: NonNullable<WorkspaceStatus['history']>) => void;
  /** The Workspace's spec.restore. */
  readonly askFor: (restore: WorkspaceRestore | undefined) => void;
  /** What every call meets from now on; undefined: nothing. */
  readonly fail: (error: KubeError | undefined) => void;
}

export const NODE = 'node-1';

export const makeFakeCluster = (): FakeCluster => {
  const objects = new Map<string, object>();
  let status: WorkspaceStatus = {
    epoch: 1,
    writer: { sandbox: 'demo', uid: 'sandbox-uid', epoch: 1, acquiredAt: '2026-01-01T00:00:00Z' },
  };
  const states: string[] = [];
  const created: (KubeObject & { kind: string })[] = [];
  const configMaps: object[] = [];
  let writes = 0;
  let fault: KubeError | undefined;

  const watchers = new Set<(kind: string, event: WatchEvent<KubeObject>) => void>();

  const set = (kind: string, name: string, object: object | undefined): void => {
    const key = `${kind}/${name}`;
    const before = objects.get(key);
    if (object === undefined) objects.delete(key);
    else objects.set(key, object);
    const changed = (object ?? before) as KubeObject | undefined;
    if (changed === undefined) return;
    const what = object === undefined ? 'deleted' : before === undefined ? 'added' : 'modified';
    for (const tell of watchers) tell(kind, { kind: what, object: structuredClone(changed) });
  };
  set('Pod', 'demo', {
    metadata: {
      name: 'demo',
      uid: 'pod-uid',
      ownerReferences: [
        { apiVersion: 'matrx.dev/v1alpha1', kind: 'Sandbox', name: 'demo', uid: 'sandbox-uid', controller: true },
      ],
    },
    spec: { nodeName: NODE },
  });
  set('Sandbox', 'demo', {
    metadata: { name: 'demo', uid: 'sandbox-uid' },
    spec: { userId: 'ann' },
    status: { podName: 'demo', podUid: 'pod-uid' },
  });
  set('Workspace', 'ann', { metadata: { name: 'ann' }, spec: { userId: 'ann' } });

  const copy = (object: unknown): object => structuredClone(object) as object;
  const check = (): void => {
    if (fault !== undefined) throw fault;
  };
  const get = (ref: ObjectRef): object => {
    check();
    const object = objects.get(`${ref.type.kind}/${ref.name}`);
    if (object === undefined) throw new KubeError('NotFound', `${ref.type.kind} ${ref.name} not found`, { code: 404 });
    return ref.type.kind === 'Workspace' ? { ...object, status } : object;
  };
  const patchStatus = (ref: ObjectRef, patch: readonly JsonPatchOperation[]): void => {
    const actual: Record<string, unknown> = {
      '/metadata/uid': (get(ref) as KubeObject).metadata.uid,
      '/status/purge/node': status.purge?.node,
      '/status/writer/epoch': status.writer?.epoch,
      '/status/writer/uid': status.writer?.uid,
      '/status/cold/epoch': status.cold?.epoch,
      '/status/cold/node': status.cold?.node,
    };
    if (patch.some(({ op, path, value }) => op === 'test' && actual[path] !== value)) {
      throw new KubeError('Invalid', 'testing a value failed', { code: 422 });
    }
    for (const { op, path, value } of patch) {
      if (op === 'add') status = { ...status, [path.split('/')[2] ?? '']: value };
    }
    writes += 1;
    if (status.session !== undefined && status.session.state !== states.at(-1)) states.push(status.session.state);
  };
  const review = (object: object): object => ({
    ...object,
    status: {
      authenticated: (object as { spec: { token: string } }).spec.token.endsWith('token of pod-uid'),
      audiences: ['workspace.matrx.dev'],
      user: {
        username: 'system:serviceaccount:sandboxes:default',
        extra: {
          'authentication.kubernetes.io/pod-name': ['demo'],
          'authentication.kubernetes.io/pod-uid': ['pod-uid'],
        },
      },
    },
  });

  const client = (effects: Effects): Verbs => ({
    get: async <T extends KubeObject>(ref: ObjectRef) => copy(get(ref)) as T,
    list: async <T extends KubeObject>(type: ResourceType): Promise<ListPage<T>> => {
      check();
      const items = [...objects].flatMap(([key, object]) => (key.startsWith(`${type.kind}/`) ? [object] : []));
      return { items: copy(items) as T[], resourceVersion: '1' };
    },
    watch: <T extends KubeObject>(type: ResourceType, _selection: object, { signal }: { signal?: AbortSignal }) =>
      eventsOf<T>(watchers, type.kind, signal),
    create: async <T extends KubeObject>(type: ResourceType, _namespace: string | undefined, object: T) => {
      check();
      if (type.kind === 'TokenReview') return copy(review(object)) as T;
      if (created.some(({ metadata }) => metadata.name === object.metadata.name)) {
        throw new KubeError('AlreadyExists', 'there is one', { code: 409 });
      }
      created.push({ ...object, kind: type.kind });
      return object;
    },
    jsonPatch: <T extends KubeObject>(ref: ObjectRef, patch: readonly JsonPatchOperation[]) =>
      effects.run('kube.patchStatus', async () => {
        patchStatus(ref, patch);
        return copy(get(ref)) as T;
      }),
    mergePatch: async <T extends KubeObject>(ref: ObjectRef, patch: unknown) => {
      check();
      configMaps.push(patch as object);
      return { metadata: { name: ref.name } } as T;
    },
  });

  return {
    client,
    session: () => status.session,
    status: () => status,
    states: () => states,
    statusWrites: () => writes,
    created: (kind) => created.filter((object) => object.kind === kind),
    configMaps: () => configMaps,
    watchers: () => watchers.size,
    set,
    setCold: (cold) => {
      status = { ...status, cold };
    },
    setWriter: (writer) => {
      const { writer: _before, ...rest } = status;
      status = writer === undefined ? rest : { ...rest, writer };
    },
    setConflicts: (conflicts) => {
      status = { ...status, conflicts };
    },
    setPurge: (purge) => {
      status = { ...status, purge };
    },
    setSession: (session) => {
      status = { ...status, session };
    },
    setHistory: (history) => {
      status = { ...status, history };
    },
    askFor: (restore) => {
      const spec = { userId: 'ann', ...(restore === undefined ? {} : { restore }) };
      set('Workspace', 'ann', { metadata: { name: 'ann' }, spec });
    },
    fail: (error) => {
      fault = error;
    },
  };
};

/** What happens from now on to the objects of one kind, until the watch is given up. */
const eventsOf = async function* <T extends KubeObject>(
  watchers: Set<(kind: string, event: WatchEvent<KubeObject>) => void>,
  kind: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchEvent<T>> {
  const unread: WatchEvent<T>[] = [];
  let wake = (): void => undefined;
  const tell = (of: string, event: WatchEvent<KubeObject>): void => {
    if (of !== kind) return;
    unread.push(event as WatchEvent<T>);
    wake();
  };
  watchers.add(tell);
  let ended = signal?.aborted === true;
  const end = (): void => {
    ended = true;
    wake();
  };
  signal?.addEventListener('abort', end, { once: true });
  try {
    for (;;) {
      yield* unread.splice(0);
      if (ended) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (unread.length > 0 || ended) resolve();
      });
    }
  } finally {
    watchers.delete(tell);
  }
};
