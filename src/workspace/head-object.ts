import { backoffDelay } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { decodeHead, encodeHead, type Head } from './head.ts';
import { HomeError, isHomeError } from './home.ts';
import { HEAD_KEY } from './layout.ts';
import { isStoreError, type ObjectStore } from './object-store.ts';

export interface HeadDeps {
  readonly store: ObjectStore;
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** HEAD as it was read or written, and the version to swap it by. */
export interface CurrentHead {
  readonly head: Head;
  readonly etag: string;
}

const TRIES = 4;
const BACKOFF = { baseMs: 50, maxMs: 1_000 } as const;

/** Undefined for a workspace that does not exist yet. */
export const readHead = async (
  { store, prefix }: Pick<HeadDeps, 'store' | 'prefix'>,
  signal: AbortSignal | undefined,
): Promise<CurrentHead | undefined> => {
  const key = prefix + HEAD_KEY;
  for (let tries = 1; ; tries++) {
    try {
      const { body, etag } = await store.get(key, { expectedBytes: 1000, ...(signal === undefined ? {} : { signal }) });
      return { head: decodeHead(body, `${store.name}/${key}`), etag };
    } catch (thrown) {
      if (isStoreError(thrown, 'NotFound')) return undefined;
      // A byte that was flipped on the way is not flipped again.
      if (!isHomeError(thrown, 'Corrupt') || tries === TRIES) throw thrown;
    }
  }
};

export type SwapResult = { readonly won: CurrentHead } | { readonly lost: CurrentHead | undefined };

/**
 * Compare-and-swap: HEAD becomes `head` if it still is the version `ifMatch` (undefined: if there is none). When no
 * answer, or an unclear one, came back, HEAD itself tells: the nonce is ours, or it is not. Repeating is safe because
 * every repetition names the same version, which can be replaced only once. `lost`: what is there instead.
 * Throws the StoreError when it cannot be known; a later look at HEAD will tell. Throws HomeError `Corrupt` when the
 * server says again and again that there is a HEAD, and that there is none: only a person can help.
 */
export const swapHead = async (
  { store, prefix, clock, random }: HeadDeps,
  head: Head,
  ifMatch: string | undefined,
  signal: AbortSignal | undefined,
): Promise<SwapResult> => {
  const body = encodeHead(head);
  const condition = ifMatch === undefined ? ({ ifNoneMatch: true } as const) : { ifMatch };
  for (let tries = 1; ; tries++) {
    try {
      const options = { ...condition, contentType: 'application/json', ...(signal === undefined ? {} : { signal }) };
      return { won: { head, etag: (await store.put(prefix + HEAD_KEY, body, options)).etag } };
    } catch (thrown) {
      if (!isStoreError(thrown, 'Exists', 'Changed', 'Ambiguous')) throw thrown;
      const there = await readHead({ store, prefix }, signal);
      if (there?.head.nonce === head.nonce) return { won: there };
      if (there?.etag !== ifMatch) return { lost: there };
      if (tries === TRIES)
        throw isStoreError(thrown, 'Exists') ? markerInTheWay(`${store.name}/${prefix}`, thrown) : thrown;
      await clock.sleep(backoffDelay(BACKOFF, tries, random), signal);
    }
  }
};

/**
 * AWS S3 lets a create-only PUT replace a delete marker; versitygw 1.8, for one, refuses it as it does for an object.
 */
const markerInTheWay = (place: string, cause: unknown): HomeError =>
  new HomeError(
    'Corrupt',
    `${place}${HEAD_KEY} was deleted, and the bucket's server takes its delete marker for an object, so that no new one ` +
      `can be made: to have the old files back, remove the delete markers below ${place}.ws/; to begin ` +
      'anew, delete all versions and delete markers there',
    cause,
  );
