import type { KubeObject } from '../../../src/api/meta.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { KubeClient, ObjectRef, ResourceType, WatchEvent } from '../../../src/kube/client.ts';
import { KubeError } from '../../../src/kube/errors.ts';
import { reasonOf } from '../../../src/kube/status-error.ts';
import type { ApiServer } from './api-server.ts';
import { CODES, Refused } from './refused.ts';
import { selects } from './selection.ts';
import { makeVerbs, mustKnow } from './verbs.ts';
import { watchChanges } from './watch.ts';

/** What can be made to go wrong. */
export interface ModelClient extends KubeClient {
  /** Writes so far, as `verb plural/name[/subresource]`. */
  readonly writes: readonly string[];
  /** The process dies right after its `count`-th write from now has been applied: no answer to it, nor to anything after. */
  readonly dieAfter: (count: number) => void;
  readonly isDead: () => boolean;
  /** The API server refuses every pod with this message; undefined: it takes them. */
  readonly refusePods: (message: string | undefined) => void;
}

/** What becomes of a write: it is applied and answered, never arrives, or is applied and its answer is lost. */
export type WriteFate = 'done' | 'lost' | 'unanswered';

export interface ModelClientOptions {
  readonly fate?: (() => WriteFate) | undefined;
  /** With it, watches end after their timeoutSeconds. */
  readonly clock?: Clock;
  /** Told of each write that was applied, of the first version it made and the first after it. */
  readonly onWrite?: (write: AppliedWrite) => void;
}

export interface AppliedWrite {
  readonly verb: 'create' | 'replace' | 'patch' | 'delete';
  readonly ref: ObjectRef;
  readonly from: number;
  readonly end: number;
}

/** A KubeClient of the model API server, without exec and logs. */
export const makeModelClient = (api: ApiServer, { fate, clock, onWrite }: ModelClientOptions = {}): ModelClient => {
  const verbs = makeVerbs(api);
  const writes: string[] = [];
  let writesLeft = Infinity;
  let podRefusal: string | undefined;
  const dead = (): KubeError => new KubeError('Unreachable', 'the process is dead');

  const answer = (act: () => unknown): unknown => {
    try {
      return act();
    } catch (error) {
      throw error instanceof Refused ? kubeErrorOf(error) : error;
    }
  };
  const read = async <T>(act: () => unknown): Promise<T> => {
    if (writesLeft <= 0) throw dead();
    return answer(act) as T;
  };
  const write = async <T>(
    verb: AppliedWrite['verb'],
    ref: ObjectRef,
    subresource: string | undefined,
    act: () => KubeObject | undefined,
  ): Promise<T> => {
    if (writesLeft <= 0) throw dead();
    const becomes = fate?.() ?? 'done';
    if (becomes === 'lost') throw new KubeError('Unreachable', 'the request was lost');
    const from = api.history.length;
    const result = answer(act) as T;
    onWrite?.({ verb, ref, from, end: api.history.length });
    writes.push(`${verb} ${ref.type.plural}/${ref.name}${subresource === undefined ? '' : `/${subresource}`}`);
    writesLeft -= 1;
    if (writesLeft <= 0) throw dead();
    if (becomes === 'unanswered') throw new KubeError('Timeout', 'the answer was lost');
    return result;
  };
  const unused = (verb: string) => (): never => {
    throw new Error(`the model API server does not know ${verb}`);
  };

  return {
    writes,
    dieAfter: (count) => {
      // Whoever is dead stays so.
      if (writesLeft > 0) writesLeft = count;
    },
    isDead: () => writesLeft <= 0,
    refusePods: (message) => {
      podRefusal = message;
    },
    get: async <T extends KubeObject>(ref: ObjectRef) => read<T>(() => verbs.get(ref)),
    list: (type, query) => read(() => verbs.list(type, query)),
    watch: <T extends KubeObject>(
      type: ResourceType,
      { resourceVersion, timeoutSeconds, ...selection }: Parameters<KubeClient['watch']>[1],
      { signal }: Parameters<KubeClient['watch']>[2],
    ): AsyncIterable<WatchEvent<T>> =>
      watchChanges<T>(api, {
        kind: mustKnow(type),
        from: Number(resourceVersion),
        selects: selects(selection),
        signal,
        timeoutSeconds,
        clock,
      }),
    create: async (type, namespace, object, options) =>
      write('create', { type, name: object.metadata.name }, undefined, () => {
        if (type.plural === 'pods' && podRefusal !== undefined) throw new Refused(podRefusal, 'Forbidden');
        if (options?.dryRun === true) return object;
        return verbs.create(type, namespace, object);
      }),
    replace: async (ref, object, options) =>
      write('replace', ref, options?.subresource, () => verbs.replace(ref, object, options?.subresource)),
    mergePatch: async (ref, patch, options) =>
      write('patch', ref, options?.subresource, () => verbs.mergePatch(ref, patch, options?.subresource)),
    jsonPatch: async (ref, operations, options) =>
      write('patch', ref, options?.subresource, () => verbs.jsonPatch(ref, operations, options?.subresource)),
    delete: async (ref, options) =>
      write('delete', ref, undefined, () => {
        verbs.delete(ref, options);
        return undefined;
      }),
    apply: unused('apply'),
    exec: unused('exec'),
    log: unused('log'),
    close: () => Promise.resolve(),
  };
};

/** What the product's client makes of the server's answer. */
const kubeErrorOf = (refused: Refused): KubeError => {
  const code = CODES[refused.reason];
  return new KubeError(reasonOf(code, refused.reason), refused.message, { code, cause: refused });
};
