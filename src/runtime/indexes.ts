export type Indexers<T, I extends string> = Readonly<Record<I, (object: T) => readonly string[]>>;

export interface Indexes<T, I extends string> {
  readonly add: (key: string, object: T) => void;
  readonly remove: (key: string, object: T) => void;
  readonly keys: (index: I, value: string) => readonly string[];
}

/** Secondary indexes: for each name, value → keys of the objects that have it. An indexer is pure. */
export const makeIndexes = <T, I extends string>(indexers: Indexers<T, I>): Indexes<T, I> => {
  const entries = (Object.entries(indexers) as [I, (object: T) => readonly string[]][]).map(([name, valuesOf]) => ({
    name,
    valuesOf,
    byValue: new Map<string, Set<string>>(),
  }));
  const maps = new Map<I, Map<string, Set<string>>>(entries.map(({ name, byValue }) => [name, byValue]));
  return {
    add: (key, object) => {
      for (const { valuesOf, byValue } of entries) {
        for (const value of valuesOf(object)) byValue.set(value, (byValue.get(value) ?? new Set()).add(key));
      }
    },
    remove: (key, object) => {
      for (const { valuesOf, byValue } of entries) {
        for (const value of valuesOf(object)) {
          const keys = byValue.get(value);
          keys?.delete(key);
          if (keys?.size === 0) byValue.delete(value);
        }
      }
    },
    keys: (index, value) => [...(maps.get(index)?.get(value) ?? [])],
  };
};
