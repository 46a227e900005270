import type { Random } from '../../base/random.ts';
import { isStoreError, StoreError, type ObjectStore } from '../object-store.ts';

export type BucketCheck =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: 'BucketNotFound' | 'Forbidden' | 'Unreachable' | 'NoConditionalWrites' | 'Failed';
      /** The S3 permission that is missing, or that the failed request needs. */
      readonly permission: string;
      readonly message: string;
    };

/** Where the probe object lives; no user's prefix starts with it. */
export const PROBE_PREFIX = '.matrx/probe/';

/**
 * Does with one small object all that the engine will do: list, create, read, compare-and-swap, delete; and proves
 * that the server honours conditions, without which two writers could both believe they had committed. Never throws;
 * six requests. Leaves nothing behind but, after a crash, one object below `.matrx/probe/`.
 */
export const checkBucket = async (
  store: ObjectStore,
  options: { readonly random: Random; readonly signal?: AbortSignal },
): Promise<BucketCheck> => {
  const key = `${PROBE_PREFIX}${options.random.hex(8)}`;
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  try {
    for await (const _found of store.list(PROBE_PREFIX, options.signal)) break;
    const { etag } = await store.put(key, Buffer.from('created'), { ifNoneMatch: true, ...signal });
    try {
      return (await probeConditions(store, key, etag, signal)) ?? { ok: true };
    } finally {
      await store.delete([key], options.signal);
    }
  } catch (thrown) {
    return refusal(store, thrown);
  }
};

const probeConditions = async (
  store: ObjectStore,
  key: string,
  etag: string,
  signal: { readonly signal?: AbortSignal },
): Promise<BucketCheck | undefined> => {
  const ignored = (header: string): BucketCheck => ({
    ok: false,
    reason: 'NoConditionalWrites',
    permission: 's3:PutObject',
    message: `${store.name} ignores ${header} on PutObject: use a server that has conditional writes, as AWS S3 does`,
  });
  const refused = async (body: string, condition: { ifMatch: string } | { ifNoneMatch: true }): Promise<boolean> => {
    try {
      await store.put(key, Buffer.from(body), { ...condition, ...signal });
      return false;
    } catch (thrown) {
      if (isStoreError(thrown, 'Exists', 'Changed')) return true;
      throw thrown;
    }
  };
  if (!(await refused('twice', { ifNoneMatch: true }))) return ignored('If-None-Match: *');
  await store.put(key, Buffer.from('swapped'), { ifMatch: etag, ...signal });
  if (!(await refused('stale', { ifMatch: etag }))) return ignored('If-Match');
  const { body } = await store.get(key, signal);
  return body.toString() === 'swapped' ? undefined : ignored('If-Match');
};

const refusal = (store: ObjectStore, thrown: unknown): BucketCheck => {
  const error =
    thrown instanceof StoreError ? thrown : new StoreError('Failed', '', `${store.name}: ${String(thrown)}`);
  const reasons = {
    BucketNotFound: 'BucketNotFound',
    Forbidden: 'Forbidden',
    Unreachable: 'Unreachable',
    Ambiguous: 'Unreachable',
  } as const;
  const reason = reasons[error.reason as keyof typeof reasons] ?? 'Failed';
  return { ok: false, reason, permission: error.permission, message: error.message };
};
