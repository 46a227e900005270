import { type Sandbox, SandboxSpec, type SandboxStatus } from '../../../src/api/sandbox.ts';
import type { ExecOptions, ExecResult, ExecTarget, KubeClient, KubeObject } from '../../../src/kube/client.ts';
import { KubeError } from '../../../src/kube/errors.ts';
import type { ChangeHandler, StoreChange } from '../../../src/runtime/change.ts';
import type { Informer } from '../../../src/runtime/informer.ts';
import { objectKey } from '../../../src/runtime/object-key.ts';
import { makeStore } from '../../../src/runtime/store.ts';

type Verb = 'get' | 'create' | 'mergePatch' | 'exec';

/**
 * An API server with nothing but Sandboxes, which a test plays the controller of, and an informer that follows it at
 * once, or not at all while `lagging`.
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
  readonly onExec: (exec: (target: ExecTarget, options: ExecOptions) => Promise<ExecResult>) => void;
}

export const makeFakeCluster = (): FakeCluster => {
  const objects = new Map<string, Sandbox>();
  const store = makeStore<Sandbox>();
  const handlers: ChangeHandler<Sandbox>[] = [];
  const calls: string[] = [];
  const failures: { verb: Verb; error: unknown; times: number; applied: boolean }[] = [];
  let version = 100;
  let lagging = false;
  let lastPatch: unknown;
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

  const kube = {
    get: ({ name }: { name: string }) => call('get', `get sandboxes/${name}`, () => mustGet(name)),
    create: (_type: unknown, _namespace: string, object: KubeObject & { spec: SandboxSpec }) =>
      call('create', 'create sandboxes', () => {
        const { name } = object.metadata;
        if (objects.has(name))
          throw new KubeError('AlreadyExists', `sandboxes "${name}" already exists`, { code: 409 });
        const metadata = {
          ...object.metadata,
          uid: `uid-of-${name}`,
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
    mergePatch: ({ name }: { name: string }, patch: { metadata: Sandbox['metadata']; spec: Partial<SandboxSpec> }) =>
      call('mergePatch', `patch sandboxes/${name}`, () => {
        lastPatch = patch;
        const sandbox = mustGet(name);
        const { uid = sandbox.metadata.uid, annotations } = patch.metadata;
        if (uid !== sandbox.metadata.uid) throw new KubeError('Conflict', 'the uid is another', { code: 409 });
        const changed = sandbox.spec.desiredState !== patch.spec.desiredState;
        const stored = keep({
          ...sandbox,
          metadata: {
            ...sandbox.metadata,
            annotations: { ...sandbox.metadata.annotations, ...annotations },
            generation: (sandbox.metadata.generation ?? 1) + (changed ? 1 : 0),
          },
          spec: { ...sandbox.spec, ...patch.spec },
        });
        patched.resolve(stored);
        patched = Promise.withResolvers();
        return stored;
      }),
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
    onExec: (exec) => {
      execute = exec;
    },
  };
};
