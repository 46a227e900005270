import { isStoreError, type ObjectStore, type PutOptions } from './object-store.ts';

/**
 * Stores an object whose key has the hash of its content, unless it is there: whoever stored it stored this. That it is
 * there is believed after a look only: a server may take the marker of a deleted version for an object (versitygw does, S3
 * of AWS does not), and what is not there must not count as saved. Throws StoreErrors.
 */
export const putContent = async (
  store: Pick<ObjectStore, 'get' | 'put'>,
  key: string,
  body: Uint8Array,
  how: Omit<PutOptions, 'ifMatch' | 'ifNoneMatch'>,
): Promise<void> => {
  try {
    await store.put(key, body, { ...how, ifNoneMatch: true });
    return;
  } catch (thrown) {
    if (!isStoreError(thrown, 'Exists')) throw thrown;
  }
  try {
    await store.get(key, {
      range: [0, 0],
      expectedBytes: 1,
      ...(how.signal === undefined ? {} : { signal: how.signal }),
    });
  } catch (thrown) {
    if (!isStoreError(thrown, 'NotFound')) throw thrown;
    await store.put(key, body, how);
  }
};
