import { type DeleteOptions, inBatches } from './deletion.ts';
import type { Bucket } from './fetch-verified.ts';
import { HEAD_KEY } from './layout.ts';
import { isStoreError, type ListedObject, type ObjectStore, type StoreError } from './object-store.ts';
import { deleteOldVersions } from './old-versions.ts';

/** `hot` is the home with all its commits, `cold` what is mounted at /data/cold. */
export const TIERS = ['hot', 'cold'] as const;
export type Tier = (typeof TIERS)[number];

/** Of one tier, as it lies in the bucket: older versions of a versioned bucket are not counted. */
export interface TierUsage {
  readonly objects: number;
  readonly bytes: number;
  /** False where counting has ended at a limit: there are more. */
  readonly complete: boolean;
}

/** Where a tier's objects begin, below the workspace's prefix. */
const TIER_PREFIXES: Readonly<Record<Tier, string>> = { hot: '.ws/', cold: 'cold/' };

/** Lists the tier, or its first `most` objects: one request for each thousand. Throws StoreErrors. */
export const tierUsage = async (
  { store, prefix }: { readonly store: Pick<ObjectStore, 'list'>; readonly prefix: string },
  tier: Tier,
  { most = Infinity, signal }: { readonly most?: number; readonly signal?: AbortSignal } = {},
): Promise<TierUsage> => {
  let [objects, bytes] = [0, 0];
  for await (const { size } of store.list(`${prefix}${TIER_PREFIXES[tier]}`, signal)) {
    if (objects === most) return { objects, bytes, complete: false };
    objects += 1;
    bytes += size;
  }
  return { objects, bytes, complete: true };
};

/**
 * Deletes a tier's objects and says how many there were. HEAD goes first: from then on there is no workspace, so whatever
 * is left when this is cut off belongs to nothing, and a repeated call takes it away. A sandbox that runs loses its epoch
 * by it and keeps its unsaved files as a conflict. Throws StoreErrors.
 */
export const deleteTier = async (
  { store, prefix }: Bucket,
  tier: Tier,
  { signal, onDeleted }: DeleteOptions = {},
): Promise<number> => {
  const remove = async (keys: readonly string[]): Promise<void> => {
    await store.delete(keys, signal);
    await onDeleted?.(keys.length);
  };
  const head = `${prefix}${HEAD_KEY}`;
  const isHead = (key: string): boolean => key === head;
  const first = tier === 'hot' ? await inBatches(keysOf(store.list(head, signal), isHead), remove) : 0;
  return first + (await inBatches(keysOf(store.list(`${prefix}${TIER_PREFIXES[tier]}`, signal)), remove));
};

const keysOf = async function* (
  objects: AsyncIterable<ListedObject>,
  wanted: (key: string) => boolean = () => true,
): AsyncIterable<string> {
  for await (const { key } of objects) if (wanted(key)) yield key;
};

/** What has become of a workspace in the bucket. */
export interface Purged {
  /** Deleted, without older versions of them. */
  readonly objects: number;
  /** How S3 refused to list or delete older versions: they stay as long as the bucket keeps them. */
  readonly versionsKept: StoreError | undefined;
}

/**
 * Deletes both tiers, and again whatever a listing after that still finds, until one finds nothing; then, where the
 * credentials may, all older versions and delete markers of them too. To some servers a delete marker is an object that
 * a create-only PUT may not replace, so no workspace could begin anew there. Throws StoreErrors.
 */
export const purgeTiers = async (bucket: Bucket, options: DeleteOptions = {}): Promise<Purged> => {
  let objects = 0;
  let versionsKept: StoreError | undefined;
  for (;;) {
    let found = 0;
    for (const tier of TIERS) found += await deleteTier(bucket, tier, options);
    objects += found;
    if (found > 0) continue;
    // Asked after that listing, which credentials that have just expired would not have come through.
    if (versionsKept !== undefined) return { objects, versionsKept };
    try {
      if ((await deleteVersions(bucket, options)) === 0) return { objects, versionsKept };
    } catch (thrown) {
      if (!isStoreError(thrown, 'Forbidden')) throw thrown;
      versionsKept = thrown;
    }
  }
};

const deleteVersions = async ({ store, prefix }: Bucket, options: DeleteOptions): Promise<number> => {
  let versions = 0;
  for (const tier of TIERS) versions += await deleteOldVersions(store, `${prefix}${TIER_PREFIXES[tier]}`, options);
  return versions;
};
