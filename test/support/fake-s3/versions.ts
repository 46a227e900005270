import type { FakeBucket, FakeObject } from './buckets.ts';

/** What is no object any more, or never was one: `marker` for a delete marker. */
interface OldVersion {
  readonly id: string;
  readonly what: FakeObject | 'marker';
}

/** Of each key, the newest first. A bucket that is not here keeps no versions. */
const historyOf = new WeakMap<FakeBucket, Map<string, OldVersion[]>>();
const idOf = new WeakMap<FakeObject, string>();
let lastId = 0;
const newId = (): string => `v${String((lastId += 1)).padStart(9, '0')}`;

export const keepVersions = (bucket: FakeBucket): void => void historyOf.set(bucket, new Map());

const historyFor = (bucket: FakeBucket, key: string): OldVersion[] | undefined => {
  const histories = historyOf.get(bucket);
  if (histories === undefined) return undefined;
  const history = histories.get(key) ?? [];
  histories.set(key, history);
  return history;
};
const versionId = (object: FakeObject): string => idOf.get(object) ?? 'null';

const retire = (bucket: FakeBucket, key: string, history: OldVersion[]): void => {
  const current = bucket.get(key);
  if (current !== undefined) history.unshift({ id: versionId(current), what: current });
};

/** Makes `object` what the key has. */
export const putCurrent = (bucket: FakeBucket, key: string, object: FakeObject): void => {
  const history = historyFor(bucket, key);
  if (history !== undefined) {
    retire(bucket, key, history);
    idOf.set(object, newId());
  }
  bucket.set(key, object);
};

/** Without a version: there is no object of this key any more, and a versioned bucket remembers what there was. */
export const deleteKey = (bucket: FakeBucket, key: string, version?: string): void => {
  const history = historyFor(bucket, key);
  if (version === undefined) {
    if (history !== undefined) {
      retire(bucket, key, history);
      history.unshift({ id: newId(), what: 'marker' });
    }
    bucket.delete(key);
    return;
  }
  const current = bucket.get(key);
  if (current !== undefined && versionId(current) === version) bucket.delete(key);
  const at = history?.findIndex(({ id }) => id === version) ?? -1;
  if (at !== -1) history?.splice(at, 1);
  // What is the newest now is the object, unless that is a marker.
  if (bucket.has(key) || history?.[0] === undefined || history[0].what === 'marker') return;
  bucket.set(key, history.shift()!.what as FakeObject);
};

export interface FakeVersion {
  readonly key: string;
  readonly id: string;
  readonly object: FakeObject | undefined;
  readonly isLatest: boolean;
}

/** In the order of ListObjectVersions: by key, the newest first. */
export const allVersions = (bucket: FakeBucket): readonly FakeVersion[] => {
  const histories = historyOf.get(bucket) ?? new Map<string, OldVersion[]>();
  const keys = [...new Set([...bucket.keys(), ...histories.keys()])].sort();
  return keys.flatMap((key) => {
    const current = bucket.get(key);
    const newest = current === undefined ? [] : [{ id: versionId(current), what: current }];
    return [...newest, ...(histories.get(key) ?? [])].map(({ id, what }, index) => ({
      key,
      id,
      object: what === 'marker' ? undefined : what,
      isLatest: index === 0,
    }));
  });
};
