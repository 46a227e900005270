import type { KubeObject } from '../../../src/api/meta.ts';
import type { Pod } from '../../../src/api/pod.ts';
import { rfc3339 } from '../../../src/base/clock.ts';
import { canonicalJson, sameJson } from '../../../src/base/json.ts';
import { hasGeneration, type KindOfObject, type Kinds, KINDS, type Snapshot } from './kinds.ts';
import { Refused } from './refused.ts';

export const NOW = Date.UTC(2026, 0, 1);

interface Preconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

interface Deletion extends Preconditions {
  readonly graceSeconds?: number | undefined;
}

/**
 * As much of an API server as the product relies on: uids, resource versions, generations, finalizers, graceful deletion,
 * owners, history. `test/support/api-server-contract.ts` holds it to what a real one does.
 */
export interface ApiServer {
  /** Every state there ever was, the newest last: what caches may still hold. A resource version is a place in it. */
  readonly history: readonly Snapshot[];
  /** When the state of that version came about, in milliseconds since the epoch. */
  readonly timeOf: (version: number) => number;
  readonly newest: () => Snapshot;
  readonly now: () => number;
  /** Moves time on, where nobody else does. */
  readonly tick: (ms: number) => void;
  readonly create: <K extends KindOfObject>(kind: K, object: Kinds[K]) => void;
  /**
   * `change` gets the newest object and answers the next, status and all. `seen` are preconditions. Nothing is written
   * where nothing changes.
   */
  readonly update: <K extends KindOfObject>(
    kind: K,
    name: string,
    change: (object: Kinds[K]) => Kinds[K],
    seen?: Preconditions,
  ) => void;
  /** Sets the deletion timestamp where something still holds the object, removes it otherwise. */
  readonly delete: (kind: KindOfObject, name: string, deletion?: Deletion) => void;
  /** Takes the object away, whoever holds it. */
  readonly erase: (kind: KindOfObject, name: string) => void;
  /** The oldest version that a watch may begin at. */
  readonly oldest: () => number;
  /** Forgets what was before the newest version: watches and continued lists from there on are refused. */
  readonly compact: () => void;
  /** Calls `listener` after every change; returns how to stop that. */
  readonly subscribe: (listener: () => void) => () => void;
}

const GRACE_SECONDS = 30;

/** `clock` gives milliseconds since the epoch; without it time stands still but for `tick`. */
export const makeApiServer = (clock?: () => number): ApiServer => {
  const empty = Object.fromEntries(KINDS.map((kind) => [kind, new Map()])) as unknown as Snapshot;
  // No server's first version is 0, and whoever asks for version 1 asks for what is long forgotten.
  const history: Snapshot[] = [empty, empty, empty];
  let ticked = 0;
  const now = (): number => (clock?.() ?? NOW) + ticked;
  const times: number[] = history.map(now);
  let oldest = history.length - 1;
  const listeners = new Set<() => void>();
  const newest = (): Snapshot => history.at(-1) as Snapshot;
  const nextVersion = (): string => String(history.length);

  const store = (kind: KindOfObject, name: string, object: KubeObject | undefined): void => {
    const objects = new Map<string, KubeObject>(newest()[kind]);
    if (object === undefined) objects.delete(name);
    else objects.set(name, object);
    history.push({ ...newest(), [kind]: objects });
    times.push(now());
    for (const listener of listeners) listener();
  };

  const erase: ApiServer['erase'] = (kind, name) => {
    const gone = newest()[kind].get(name);
    if (gone === undefined) return;
    store(kind, name, undefined);
    collectGarbage(gone.metadata.uid);
  };

  /** What the object owned goes after it, unless another owner is left. */
  const collectGarbage = (owner: string | undefined): void => {
    if (owner === undefined) return;
    const { uids, children } = ownership(newest());
    for (const { kind, object } of children.get(owner) ?? []) {
      const isLeft = object.metadata.ownerReferences?.some(({ uid }) => uids.has(uid)) ?? false;
      if (!isLeft) remove(kind, object.metadata.name);
    }
  };

  const remove: ApiServer['delete'] = (kind, name, { graceSeconds, ...seen } = {}) => {
    const object = find(kind, name);
    requireSeen(object, seen);
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    const grace = kind === 'pods' ? podGrace(object as Pod, graceSeconds) : 0;
    if (grace === 0 && finalizers.length === 0) {
      erase(kind, name);
      return;
    }
    if (deletionTimestamp !== undefined) return;
    const { generation } = object.metadata;
    store(kind, name, {
      ...object,
      metadata: {
        ...object.metadata,
        deletionTimestamp: rfc3339(now() + grace * 1000),
        deletionGracePeriodSeconds: grace,
        resourceVersion: nextVersion(),
        ...(generation === undefined ? {} : { generation: generation + 1 }),
      },
    });
  };

  const find = <K extends KindOfObject>(kind: K, name: string): Kinds[K] => {
    const object = newest()[kind].get(name);
    if (object === undefined) throw new Refused(`${kind} "${name}" not found`, 'NotFound');
    return object;
  };

  return {
    history,
    timeOf: (version) => times[version] ?? now(),
    newest,
    now,
    tick: (ms) => {
      ticked += ms;
    },
    create: (kind, object) => {
      const { name } = object.metadata;
      if (newest()[kind].has(name)) throw new Refused(`${kind} "${name}" already exists`, 'AlreadyExists');
      const { deletionTimestamp: _deleted, generation: _old, ...asked } = object.metadata;
      const metadata = {
        ...asked,
        uid: `uid-${nextVersion()}`,
        resourceVersion: nextVersion(),
        creationTimestamp: rfc3339(now()),
        ...(hasGeneration(kind) ? { generation: 1 } : {}),
      };
      store(kind, name, { ...object, metadata });
    },
    update: <K extends KindOfObject>(
      kind: K,
      name: string,
      change: (object: Kinds[K]) => Kinds[K],
      seen: Preconditions = {},
    ) => {
      const object = find(kind, name);
      requireSeen(object, seen);
      const changed: KubeObject = change(object);
      requireSameSelf(object, changed);
      const metadata = { ...changed.metadata, ...kept(object) };
      if (sameJson({ ...changed, metadata }, object)) return;
      const isGone =
        metadata.deletionTimestamp !== undefined && kind !== 'pods' && (metadata.finalizers ?? []).length === 0;
      if (isGone) {
        erase(kind, name);
        return;
      }
      const { generation } = object.metadata;
      const isNewSpec = generation !== undefined && specOf(changed) !== specOf(object);
      store(kind, name, {
        ...changed,
        metadata: {
          ...metadata,
          resourceVersion: nextVersion(),
          ...(isNewSpec ? { generation: generation + 1 } : {}),
        },
      });
    },
    delete: remove,
    erase,
    oldest: () => oldest,
    compact: () => {
      oldest = history.length - 1;
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};

const specOf = (object: KubeObject): string => canonicalJson((object as { readonly spec?: unknown }).spec ?? null);

/** What no writer can change. */
const kept = ({ metadata }: KubeObject): Partial<KubeObject['metadata']> => {
  const { resourceVersion, generation, creationTimestamp, deletionTimestamp } = metadata;
  return {
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(generation === undefined ? {} : { generation }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
  };
};

const requireSeen = ({ metadata }: KubeObject, { uid, resourceVersion }: Preconditions): void => {
  if (uid !== undefined && uid !== metadata.uid) {
    throw new Refused(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw new Refused(`Operation cannot be fulfilled on "${metadata.name}": the object has been modified`);
  }
};

const requireSameSelf = ({ metadata: before }: KubeObject, { metadata: after }: KubeObject): void => {
  for (const field of ['name', 'uid'] as const) {
    if (after[field] === before[field]) continue;
    throw new Refused(`metadata.${field}: Invalid value: field is immutable`, 'Invalid', [`metadata.${field}`]);
  }
  const added = after.finalizers?.find((finalizer) => !before.finalizers?.includes(finalizer));
  if (before.deletionTimestamp === undefined || added === undefined) return;
  const message = `metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ["${added}"]`;
  throw new Refused(message, 'Invalid', ['metadata.finalizers']);
};

/**
 * Seconds that the kubelet has to end the pod: none where no kubelet has it, or its processes have ended. What is left of
 * such a pod on its node (a mounted home) goes after it.
 */
const podGrace = ({ spec, status }: Pod, asked: number | undefined): number => {
  if (spec?.nodeName === undefined || status?.phase === 'Failed' || status?.phase === 'Succeeded') return 0;
  const own = (spec as { readonly terminationGracePeriodSeconds?: number }).terminationGracePeriodSeconds;
  return asked ?? own ?? GRACE_SECONDS;
};

/** Which uids there are, and what each owns. */
const ownership = (world: Snapshot) => {
  const uids = new Set<string>();
  const children = new Map<string, { readonly kind: KindOfObject; readonly object: KubeObject }[]>();
  for (const kind of KINDS) {
    for (const object of world[kind].values() as Iterable<KubeObject>) {
      uids.add(object.metadata.uid ?? '');
      for (const { uid } of object.metadata.ownerReferences ?? []) {
        children.set(uid, [...(children.get(uid) ?? []), { kind, object }]);
      }
    }
  }
  return { uids, children };
};
