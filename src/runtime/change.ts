/** What a write to a store amounted to. A recreated object (same name, new uid) is a deletion and an addition. */
export type StoreChange<T> =
  | { readonly kind: 'added'; readonly object: T }
  | { readonly kind: 'updated'; readonly object: T; readonly old: T }
  | { readonly kind: 'deleted'; readonly object: T };

/** Where a change came from: the first list, the watch, a later list, or an own write. */
export type ChangeOrigin = 'initial' | 'watch' | 'relist' | 'write';

/** Told of each change. Level-triggered: it only says that something is to be looked at; the store has the truth. */
export type ChangeHandler<T> = (change: StoreChange<T>, origin: ChangeOrigin) => void;
