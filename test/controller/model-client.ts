import type { KubeObject } from '../../src/api/meta.ts';
import type { Json } from '../../src/base/json.ts';
import type { JsonPatchOperation, KubeClient, ObjectRef, ResourceType, WatchEvent } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { type ApiServer, type KindOfObject, Refused } from '../domain/model/api-server.ts';
import { NAMESPACE } from '../support/resources.ts';

/** What can be made to go wrong. */
export interface ModelClient extends KubeClient {
  /** Writes so far, as `verb plural/name[/subresource]`. */
  readonly writes: readonly string[];
  /** The process dies right after its `count`-th write from now has been applied: no answer to it, nor to anything after. */
  readonly dieAfter: (count: number) => void;
  /** The API server refuses every pod with this message; undefined: it takes them. */
  readonly refusePods: (message: string | undefined) => void;
}

type Change = (object: KubeObject) => KubeObject;

/** What becomes of a write: it is applied and answered, never arrives, or is applied and its answer is lost. */
export type WriteFate = 'done' | 'lost' | 'unanswered';

/** A KubeClient of the model API server, as far as the controllers use one. */
export const makeModelClient = (api: ApiServer, fate: () => WriteFate = () => 'done'): ModelClient => {
  const writes: string[] = [];
  let writesLeft = Infinity;
  let podRefusal: string | undefined;
  const dead = (): KubeError => new KubeError('Unreachable', 'the process is dead');

  const write = async <T>(
    verb: string,
    ref: ObjectRef,
    subresource: string | undefined,
    apply: () => void,
  ): Promise<T> => {
    if (writesLeft <= 0) throw dead();
    const becomes = fate();
    if (becomes === 'lost') throw new KubeError('Unreachable', 'the request was lost');
    try {
      apply();
    } catch (error) {
      if (error instanceof Refused) throw new KubeError(error.reason, error.message, { cause: error });
      throw error;
    }
    writes.push(`${verb} ${ref.type.plural}/${ref.name}${subresource === undefined ? '' : `/${subresource}`}`);
    writesLeft -= 1;
    if (writesLeft <= 0) throw dead();
    if (becomes === 'unanswered') throw new KubeError('Timeout', 'the answer was lost');
    return find(ref) as T;
  };
  const find = (ref: ObjectRef): KubeObject | undefined => api.newest()[kindOf(ref.type)].get(ref.name);

  const update = (
    ref: ObjectRef,
    change: Change,
    seen: { readonly uid?: string; readonly resourceVersion?: string },
  ): void => api.update(kindOf(ref.type), ref.name, (object) => change(object), seen);

  const unused = (verb: string) => (): never => {
    throw new Error(`the controllers are not known to ${verb}`);
  };

  return {
    writes,
    dieAfter: (count) => {
      writesLeft = count;
    },
    refusePods: (message) => {
      podRefusal = message;
    },
    get: async <T extends KubeObject>(ref: ObjectRef) => {
      if (writesLeft <= 0) throw dead();
      const object = find(ref);
      if (object === undefined) throw new KubeError('NotFound', `no ${ref.type.plural} ${ref.name}`, { code: 404 });
      return object as T;
    },
    list: (type, { labelSelector }) =>
      Promise.resolve({
        items: [...api.newest()[kindOf(type)].values()].filter((object) =>
          isSelected(object, labelSelector),
        ) as never[],
        resourceVersion: String(api.history.length - 1),
      }),
    watch: (type, { resourceVersion, labelSelector }, { signal }) =>
      watchHistory(api, kindOf(type), Number(resourceVersion), labelSelector, signal),
    create: async (type, _namespace, object) =>
      write('create', { type, name: object.metadata.name }, undefined, () => {
        if (type.plural === 'pods' && podRefusal !== undefined) throw new Refused(podRefusal, 'Forbidden');
        const metadata = { ...object.metadata, namespace: NAMESPACE };
        api.create(kindOf(type), { apiVersion: 'v1', kind: type.kind, ...object, metadata });
      }),
    mergePatch: async (ref, patch, options) =>
      write('patch', ref, options?.subresource, () => {
        const { metadata = {} } = patch as {
          readonly metadata?: { readonly uid?: string; readonly resourceVersion?: string };
        };
        const relevant =
          options?.subresource === 'status' ? { status: (patch as { readonly status: Json }).status } : patch;
        update(ref, (object) => merge(object as unknown as Json, relevant) as unknown as KubeObject, metadata);
      }),
    jsonPatch: async (ref, operations, options) =>
      write('patch', ref, options?.subresource, () => {
        const { resourceVersion, status } = statusReplacement(operations);
        update(ref, (object) => ({ ...object, status }) as KubeObject, { resourceVersion });
      }),
    delete: async (ref, options) =>
      write('delete', ref, undefined, () =>
        options?.gracePeriodSeconds === 0 && ref.type.plural === 'pods'
          ? api.erase('pods', ref.name)
          : api.delete(kindOf(ref.type), ref.name, { uid: options?.uid, resourceVersion: options?.resourceVersion }),
      ),
    replace: unused('replace'),
    apply: unused('apply'),
    exec: unused('exec'),
    log: unused('log'),
    close: () => Promise.resolve(),
  };
};

const kindOf = ({ plural }: ResourceType): KindOfObject =>
  plural === 'sandboxtemplates' ? 'templates' : (plural as KindOfObject);

const isSelected = ({ metadata }: KubeObject, selector: string | undefined): boolean => {
  const [name = '', value] = selector?.split('=') ?? [];
  return selector === undefined || metadata.labels?.[name] === value;
};

/** RFC 7386, for JSON. */
const merge = (target: Json, patch: Json): Json => {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const isObject = target !== null && typeof target === 'object' && !Array.isArray(target);
  const merged = new Map<string, Json>(isObject ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, merge(merged.get(name) ?? null, value));
  }
  return Object.fromEntries(merged);
};

/** The one JSON patch that the controllers send: the whole status, if the version is still the one seen. */
const statusReplacement = (
  operations: readonly JsonPatchOperation[],
): { readonly resourceVersion: string; readonly status: Json } => {
  const [version, status] = operations;
  if (version?.path !== '/metadata/resourceVersion' || status?.path !== '/status' || operations.length !== 2) {
    throw new Error(`another JSON patch than expected: ${JSON.stringify(operations)}`);
  }
  return { resourceVersion: version.value as string, status: status.value ?? null };
};

async function* watchHistory<T extends KubeObject>(
  api: ApiServer,
  kind: KindOfObject,
  from: number,
  selector: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchEvent<T>> {
  for (let version = from + 1; ; version++) {
    while (version >= api.history.length) {
      if (signal?.aborted === true) return;
      await nextChange(api, signal);
    }
    const before: ReadonlyMap<string, KubeObject> | undefined = api.history[version - 1]?.[kind];
    const after: ReadonlyMap<string, KubeObject> | undefined = api.history[version]?.[kind];
    if (before === after) continue;
    for (const name of new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])) {
      const old = before?.get(name);
      const object = after?.get(name);
      if (old === object || !isSelected((object ?? old) as KubeObject, selector)) continue;
      if (object !== undefined) {
        yield { kind: old === undefined ? 'added' : 'modified', object: object as T };
      } else if (old !== undefined) {
        yield {
          kind: 'deleted',
          object: { ...old, metadata: { ...old.metadata, resourceVersion: String(version) } } as T,
        };
      }
    }
  }
}

const nextChange = (api: ApiServer, signal: AbortSignal | undefined): Promise<void> =>
  new Promise<void>((resolve) => {
    const stop = (): void => {
      unsubscribe();
      signal?.removeEventListener('abort', stop);
      resolve();
    };
    const unsubscribe = api.subscribe(stop);
    signal?.addEventListener('abort', stop, { once: true });
  });
