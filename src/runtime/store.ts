import type { KubeObject } from '../kube/client.ts';
import type { StoreChange } from './change.ts';
import { deepFreeze } from './deep-freeze.ts';
import { type Indexers, makeIndexes } from './indexes.ts';
import { objectKey } from './object-key.ts';
import { isOlder } from './resource-version.ts';

/** What readers see: frozen objects, as new as what has been received. Keys are `namespace/name`. */
export interface StoreReader<T extends KubeObject, I extends string = never> {
  readonly get: (key: string) => T | undefined;
  readonly list: () => readonly T[];
  readonly byIndex: (index: I, value: string) => readonly T[];
  readonly size: () => number;
}

export interface Store<T extends KubeObject, I extends string = never> extends StoreReader<T, I> {
  /** Takes an object unless it is older than what is held, or of a uid that is gone. No change where it is known. */
  readonly put: (object: T) => readonly StoreChange<T>[];
  /** Takes a deletion; `object` is its last state. */
  readonly remove: (object: T) => readonly StoreChange<T>[];
  /**
   * Takes a whole list: what it lacks is deleted, unless it was put here after the list was made. `rewound`: the
   * server's history went backwards (a restored backup), so the list counts even where it is older.
   */
  readonly replaceAll: (items: readonly T[], resourceVersion: string, rewound?: boolean) => readonly StoreChange<T>[];
}

export interface StoreOptions<T, I extends string> {
  readonly indexers: Indexers<T, I>;
  /** Runs on everything that comes in, and drops what nobody reads. Without it only managedFields go. */
  readonly transform?: (object: T) => T;
}

/** How many deleted uids are remembered; late answers to writes come within seconds, so this is ample. */
const MAX_TOMBSTONES = 4096;

/**
 * The cache of one resource. Three things that a plain map gets wrong: an older event after a newer one (the cache
 * would go back in time), the answer to an own write that arrives after the object's deletion (a ghost that no event
 * ever removes), and a list made before an own create (the new object would vanish and be created again).
 */
export const makeStore = <T extends KubeObject, I extends string = never>(
  { indexers, transform = stripManagedFields }: StoreOptions<T, I> = { indexers: {} as Indexers<T, I> },
): Store<T, I> => {
  const objects = new Map<string, T>();
  const indexes = makeIndexes<T, I>(indexers);
  const tombstones = new Set<string>();

  const bury = (uid: string | undefined): void => {
    if (uid === undefined) return;
    tombstones.add(uid);
    const [oldest] = tombstones;
    if (tombstones.size > MAX_TOMBSTONES && oldest !== undefined) tombstones.delete(oldest);
  };

  const drop = (key: string, held: T, lastState: T): StoreChange<T> => {
    objects.delete(key);
    indexes.remove(key, held);
    bury(held.metadata.uid);
    return { kind: 'deleted', object: lastState };
  };

  const set = (incoming: T): readonly StoreChange<T>[] => {
    const object = deepFreeze(transform(incoming));
    const key = objectKey(object);
    const old = objects.get(key);
    const recreated = old !== undefined && old.metadata.uid !== object.metadata.uid;
    const gone = recreated ? [drop(key, old, old)] : [];
    if (old !== undefined && !recreated) indexes.remove(key, old);
    objects.set(key, object);
    indexes.add(key, object);
    if (old === undefined || recreated) return [...gone, { kind: 'added', object }];
    return [{ kind: 'updated', object, old }];
  };

  const put = (object: T): readonly StoreChange<T>[] => {
    const { uid, resourceVersion } = object.metadata;
    if (uid !== undefined && tombstones.has(uid)) return [];
    const old = objects.get(objectKey(object))?.metadata;
    const known = old !== undefined && old.uid === uid && old.resourceVersion === resourceVersion;
    return known || isOlder(resourceVersion, old?.resourceVersion) ? [] : set(object);
  };

  const remove = (object: T): readonly StoreChange<T>[] => {
    const key = objectKey(object);
    const held = objects.get(key);
    bury(object.metadata.uid);
    // A late deletion of an earlier object of the same name must not take its successor away.
    if (held === undefined || held.metadata.uid !== object.metadata.uid) return [];
    return [drop(key, held, deepFreeze(transform(object)))];
  };

  const replaceAll = (items: readonly T[], resourceVersion: string, rewound = false): readonly StoreChange<T>[] => {
    const listed = new Set(items.map(objectKey));
    const deleted = [...objects].flatMap(([key, held]) => {
      if (listed.has(key) || (!rewound && isOlder(resourceVersion, held.metadata.resourceVersion))) return [];
      return [drop(key, held, held)];
    });
    if (rewound) tombstones.clear();
    return [...deleted, ...items.flatMap(rewound ? set : put)];
  };

  return {
    get: (key) => objects.get(key),
    list: () => [...objects.values()],
    byIndex: (index, value) => indexes.keys(index, value).map((key) => objects.get(key) as T),
    size: () => objects.size,
    put,
    remove,
    replaceAll,
  };
};

const stripManagedFields = <T extends KubeObject>(object: T): T => {
  if (!('managedFields' in object.metadata)) return object;
  const { managedFields: _dropped, ...metadata } = object.metadata;
  return { ...object, metadata };
};
