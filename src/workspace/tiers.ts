import type { Bucket } from './fetch-verified.ts';
import { HEAD_KEY } from './layout.ts';
import type { ObjectStore } from './object-store.ts';

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
/** S3 deletes a thousand with one request. */
const BATCH = 1000;

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

export interface DeleteOptions {
  readonly signal?: AbortSignal;
  /** So many objects more are gone. What it throws ends the deletion. */
  readonly onDeleted?: (objects: number) => Promise<void>;
}

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
  let deleted = 0;
  const remove = async (keys: readonly string[]): Promise<void> => {
    if (keys.length === 0) return;
    await store.delete(keys, signal);
    deleted += keys.length;
    await onDeleted?.(keys.length);
  };
  let batch: string[] = [];
  const head = `${prefix}${HEAD_KEY}`;
  if (tier === 'hot') for await (const { key } of store.list(head, signal)) if (key === head) await remove([key]);
  for await (const { key } of store.list(`${prefix}${TIER_PREFIXES[tier]}`, signal)) {
    batch.push(key);
    if (batch.length < BATCH) continue;
    await remove(batch);
    batch = [];
  }
  await remove(batch);
  return deleted;
};

/**
 * Deletes both tiers, and again whatever a listing after that still finds, until one finds nothing. Answers how many
 * objects were deleted. Throws StoreErrors.
 */
export const purgeTiers = async (bucket: Bucket, options: DeleteOptions = {}): Promise<number> => {
  for (let objects = 0; ;) {
    let found = 0;
    for (const tier of TIERS) found += await deleteTier(bucket, tier, options);
    if (found === 0) return objects;
    objects += found;
  }
};
