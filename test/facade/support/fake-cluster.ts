import { type Sandbox, SandboxSpec, type SandboxStatus } from '../../../src/api/sandbox.ts';
import { sameJson, type Json } from '../../../src/base/json.ts';
import type {
  ExecOptions,
  ExecResult,
  ExecTarget,
  KubeClient,
  KubeObject,
  LogOptions,
  LogTarget,
  ObjectRef,
  ResourceType,
  Selection,
} from '../../../src/kube/client.ts';
import { KubeError } from '../../../src/kube/errors.ts';
import type { ChangeHandler, StoreChange } from '../../../src/runtime/change.ts';
import type { Informer } from '../../../src/runtime/informer.ts';
import { objectKey } from '../../../src/runtime/object-key.ts';
import { makeStore } from '../../../src/runtime/store.ts';
import { mergePatch } from '../../support/merge-patch.ts';

type Verb = 'get' | 'list' | 'create' | 'mergePatch' | 'exec' | 'log';
type Log = (target: LogTarget, options: LogOptions) => Promise<AsyncIterable<Uint8Array>>;

/**
 * An API server with Sandboxes, which a test plays the controller of, and an informer that follows it at once, or not at
 * all while `lagging`; beside them whatever other objects a test puts there.
 */
export interface FakeCluster {
  readonly kube: KubeClient;
  readonly informer: Pick<Informer<Sandbox>, 'store' | 'put' | 'onChange'>;
  /** Every call so far: `create sandboxes`, `get sandboxes/demo`. */
  readonly calls: readonly string[];
  /** The body of the last merge patch. */
  readonly lastPatch: () => unknown;
  readonly add: (sandbox: Sandbox) => void;
  readonly get: (name: string) => Sandbox | undefined;
  /** What the controller would write. */
  readonly setStatus: (name: string, status: SandboxStatus) => void;
  readonly change: (name: string, change: (sandbox: Sandbox) => Sandbox) => void;
  readonly remove: (name: string) => void;
  /** The next calls of this verb reject with `error`; `applied`: after having had their effect. */
  readonly fail: (
    verb: Verb,
    error: unknown,
    options?: { readonly times?: number; readonly applied?: boolean },
  ) => void;
  /** From now on the informer hears nothing. */
  readonly lag: () => void;
  /** Resolves with the next Sandbox that is created. */
  readonly nextCreated: () => Promise<Sandbox>;
  /** Resolves with the next Sandbox that is patched. */
  readonly nextPatched: () => Promise<Sandbox>;
  /** An object of another kind: an Event, a Workspace. Writing it again replaces it. */
  readonly addOther: (type: ResourceType, object: KubeObject) => void;
  readonly getOther: (type: ResourceType, name: string) => KubeObject | undefined;
  readonly onLog: (log: Log) => void;
  readonly onExec: (exec: (target: ExecTarget, options: ExecOptions) => Promise<ExecResult>) => void;
}

export const makeFakeCluster = (): FakeCluster => {
  const objects = new Map<string, Sandbox>();
  const others = new Map<string, KubeObject>();
  const store = makeStore<Sandbox>();
  const handlers: ChangeHandler<Sandbox>[] = [];
  const calls: string[] = [];
  const failures: { verb: Verb; error: unknown; times: number; applied: boolean }[] = [];
  let version = 100;
  let lagging = false;
  let lastPatch: unknown;
  let readLog: Log = () => Promise.reject(new Error('no log was expected'));
  let execute: KubeClient['exec'] = () => Promise.reject(new Error('no exec was expected'));
  let created = Promise.withResolvers<Sandbox>();
  let patched = Promise.withResolvers<Sandbox>();

  const deliver = (changes: readonly StoreChange<Sandbox>[]): void => {
    for (const change of changes) for (const handler of handlers) handler(change, 'watch');
  };
  const keep = (sandbox: Sandbox): Sandbox => {
    const stored = { ...sandbox, metadata: { ...sandbox.metadata, resourceVersion: String(version++) } };
    objects.set(stored.metadata.name, stored);
    if (!lagging) deliver(store.put(stored));
    return stored;
  };
  /** No uid is ever given twice, by a real API server as here: not even to a name that is taken again. */
  const uids = new Set<string>();
  const newUid = (name: string): string => {
    const uid = `uid-of-${name}`;
    const free = uids.has(uid) ? `${uid}-${uids.size}` : uid;
    uids.add(free);
    return free;
  };
  const mustGet = (name: string): Sandbox => {
    const sandbox = objects.get(name);
    if (sandbox === undefined)
      throw new KubeError('NotFound', `sandboxes.matrx.dev "${name}" not found`, { code: 404 });
    return sandbox;
  };
  /** Runs a call's effect unless a failure is scripted that comes before it. */
  const call = <T>(verb: Verb, what: string, effect: () => T): Promise<T> => {
    calls.push(what);
    const failure = failures.find((candidate) => candidate.verb === verb && candidate.times > 0);
    if (failure !== undefined) failure.times--;
    return Promise.resolve().then(() => {
      if (failure === undefined) return effect();
      if (failure.applied) effect();
      throw failure.error;
    });
  };

  const otherKey = ({ plural }: ResourceType, name: string): string => `${plural}/${name}`;
  const keepOther = (type: ResourceType, object: KubeObject): KubeObject => {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version++) } };
    others.set(otherKey(type, object.metadata.name), stored);
    return stored;
  };
  const mustGetOther = (type: ResourceType, name: string): KubeObject => {
    const object = others.get(otherKey(type, name));
    if (object === undefined) throw new KubeError('NotFound', `${type.plural} "${name}" not found`, { code: 404 });
    return object;
  };
  /** With what the API server adds: preconditions, and a generation that grows with the spec. */
  const afterPatch = (before: KubeObject, patch: Json): KubeObject => {
    const { metadata = {} } = patch as { readonly metadata?: Partial<KubeObject['metadata']> };
    for (const name of ['uid', 'resourceVersion'] as const) {
      if (metadata[name] !== undefined && metadata[name] !== before.metadata[name]) {
        throw new KubeError('Conflict', `the ${name} is another`, { code: 409 });
      }
    }
    const after = mergePatch(before, patch) as KubeObject & { readonly spec?: unknown };
    const changed = !sameJson(after.spec, (before as { readonly spec?: unknown }).spec);
    const generation = (before.metadata.generation ?? 1) + (changed ? 1 : 0);
    return { ...after, metadata: { ...after.metadata, generation } };
  };
  const isSandboxes = ({ plural }: ResourceType): boolean => plural === 'sandboxes';

  const kube = {
    get: ({ type, name }: ObjectRef) =>
      call('get', `get ${type.plural}/${name}`, () => (isSandboxes(type) ? mustGet(name) : mustGetOther(type, name))),
    list: (type: ResourceType, { fieldSelector }: Selection) =>
      call('list', `list ${type.plural}`, () => {
        const wanted = /^regarding\.name=(.*)$/.exec(fieldSelector ?? '')?.[1];
        const items = [...others].filter(([key]) => key.startsWith(`${type.plural}/`)).map(([, object]) => object);
        const matching = items.filter(
          (object) => (object as { readonly regarding?: { readonly name?: string } }).regarding?.name === wanted,
        );
        return { items: wanted === undefined ? items : matching, resourceVersion: String(version) };
      }),
    create: (_type: unknown, _namespace: string, object: KubeObject & { spec: SandboxSpec }) =>
      call('create', 'create sandboxes', () => {
        const { name } = object.metadata;
        if (objects.has(name))
          throw new KubeError('AlreadyExists', `sandboxes "${name}" already exists`, { code: 409 });
        const metadata = {
          ...object.metadata,
          uid: newUid(name),
          generation: 1,
          creationTimestamp: '2026-01-02T03:04:05Z',
        };
        const stored = keep({
          ...object,
          metadata,
          spec: { ...SandboxSpec.parse(object.spec), config: object.spec.config ?? {} },
          status: { observedGeneration: -1 },
        });
        created.resolve(stored);
        created = Promise.withResolvers();
        return stored;
      }),
    mergePatch: ({ type, name }: ObjectRef, patch: Json) =>
      call('mergePatch', `patch ${type.plural}/${name}`, () => {
        lastPatch = patch;
        if (!isSandboxes(type)) return keepOther(type, afterPatch(mustGetOther(type, name), patch));
        const stored = keep(afterPatch(mustGet(name), patch) as Sandbox);
        patched.resolve(stored);
        patched = Promise.withResolvers();
        return stored;
      }),
    log: async (target: LogTarget, options: LogOptions) => {
      await call('log', `log ${target.pod}`, () => undefined);
      return readLog(target, options);
    },
    exec: async (target: ExecTarget, options: ExecOptions) => {
      await call('exec', `exec ${target.pod}`, () => undefined);
      return execute(target, options);
    },
  } as unknown as KubeClient;

  return {
    kube,
    informer: {
      store,
      put: (sandbox) => deliver(store.put(sandbox)),
      onChange: (handler) => {
        handlers.push(handler);
      },
    },
    calls,
    lastPatch: () => lastPatch,
    add: keep,
    get: (name) => objects.get(name),
    setStatus: (name, status) => {
      keep({ ...mustGet(name), status });
    },
    change: (name, change) => {
      keep(change(mustGet(name)));
    },
    remove: (name) => {
      const sandbox = mustGet(name);
      objects.delete(name);
      if (!lagging && store.get(objectKey(sandbox)) !== undefined) deliver(store.remove(sandbox));
    },
    fail: (verb, error, { times = 1, applied = false } = {}) => {
      failures.push({ verb, error, times, applied });
    },
    lag: () => {
      lagging = true;
    },
    nextCreated: () => created.promise,
    nextPatched: () => patched.promise,
    addOther: (type, object) => {
      keepOther(type, object);
    },
    getOther: (type, name) => others.get(otherKey(type, name)),
    onLog: (log) => {
      readLog = log;
    },
    onExec: (exec) => {
      execute = exec;
    },
  };
};
