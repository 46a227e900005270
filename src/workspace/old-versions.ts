import { type DeleteOptions, inBatches } from './deletion.ts';
import type { ListedVersion, ObjectStore } from './object-store.ts';

/** So many are listed by one request. */
const PAGE = 1000;

type Versions = Pick<ObjectStore, 'listVersions' | 'deleteVersions'>;

/**
 * Deletes for good what a versioned bucket keeps of deleted objects below `prefix`, and says how many versions and delete
 * markers there were. The markers go last, when no version is left below them: otherwise an object would be there again
 * wherever this is cut off, or where a version is refused because it is locked. Throws StoreErrors: `Forbidden` where the
 * credentials may not.
 */
export const deleteOldVersions = async (
  store: Versions,
  prefix: string,
  { signal, onDeleted }: DeleteOptions,
): Promise<number> => {
  const chosen = async function* (markers: boolean): AsyncIterable<ListedVersion> {
    let others = 0;
    for await (const version of store.listVersions(prefix, signal)) {
      if (version.isMarker === markers) yield version;
      // A long listing in which there is nothing to delete is no silence either.
      else if (++others % PAGE === 0) await onDeleted?.(0);
    }
  };
  const remove = (markers: boolean): Promise<number> =>
    inBatches(chosen(markers), async (batch) => {
      await store.deleteVersions(batch, signal);
      await onDeleted?.(0);
    });
  let [deleted, found] = [0, 0];
  do {
    found = await remove(false);
    deleted += found;
  } while (found > 0);
  return deleted + (await remove(true));
};
