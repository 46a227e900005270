import { hash } from 'node:crypto';
import { HomeError } from './home.ts';
import { decodeManifest, type EncodedManifest, type Manifest } from './manifest.ts';
import { isStoreError, type ObjectStore } from './object-store.ts';

export interface Bucket {
  readonly store: ObjectStore;
  readonly prefix: string;
}

/** A byte that was flipped on the way is not flipped again: what is wrong this often is wrong in the bucket. */
const TRIES = 3;

/**
 * The object, once `fault` finds nothing wrong with it (undefined). Throws HomeError `Corrupt` with what it found, or
 * where there is no such object.
 */
export const fetchVerified = async (
  { store, prefix }: Bucket,
  key: string,
  fault: (body: Buffer) => string | undefined,
  signal: AbortSignal | undefined,
  into?: Buffer,
): Promise<Buffer> => {
  const where = `${store.name}/${prefix}${key}`;
  for (let tries = 1; ; tries++) {
    const options = { ...(signal === undefined ? {} : { signal }), ...(into === undefined ? {} : { into }) };
    const { body } = await store.get(prefix + key, options).catch((thrown: unknown) => {
      if (!isStoreError(thrown, 'NotFound')) throw thrown;
      throw new HomeError('Corrupt', `${where} is missing, and a commit refers to it`, thrown);
    });
    const found = fault(body);
    if (found === undefined) return body;
    if (tries === TRIES) throw new HomeError('Corrupt', `${where} is damaged: ${found}`);
  }
};

/** What is wrong with a body that must have this SHA-256. */
export const hashFault =
  (sha256: string) =>
  (body: Buffer): string | undefined => {
    const found = hash('sha256', body, 'hex');
    return found === sha256 ? undefined : `its SHA-256 is ${found}, not ${sha256}`;
  };

export interface FetchedManifest {
  readonly manifest: Manifest;
  readonly encoded: EncodedManifest;
}

export const fetchManifest = async (
  bucket: Bucket,
  key: string,
  sha256: string,
  signal: AbortSignal | undefined,
): Promise<FetchedManifest> => {
  const body = await fetchVerified(bucket, key, hashFault(sha256), signal);
  const manifest = await decodeManifest(body, `${bucket.store.name}/${bucket.prefix}${key}`);
  return { manifest, encoded: { body, sha256 } };
};
