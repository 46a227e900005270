/**
 * Where everything is below a workspace's prefix. HEAD is the only object that is ever replaced; all others are named
 * by what they hold and never change. Nothing is deleted yet, neither packs nor manifests: every commit stays findable
 * by its predecessor (`parent`), so that a user's `rm -rf ~` is undone by `matrx workspace restore --at`.
 */
export const HEAD_KEY = '.ws/HEAD';
export const MANIFESTS = '.ws/manifests/';
export const CONFLICTS = '.ws/conflicts/';

export const packKey = (sha256: string): string => `.ws/packs/${sha256}.tar`;
export const blobKey = (sha256: string): string => `.ws/blobs/${sha256}`;

const NUMBER_WIDTH = 10;
const padded = (n: number): string => String(n).padStart(NUMBER_WIDTH, '0');

/** Padded, so that a listing is in the order of the commits. */
export const manifestKey = (epoch: number, sequence: number, sha256: string): string =>
  `${MANIFESTS}${padded(epoch)}-${padded(sequence)}-${sha256.slice(0, 8)}.json.gz`;

export const conflictKey = (epoch: number, nonce: string): string => `${CONFLICTS}${padded(epoch)}-${nonce}.json.gz`;

/** What a manifest's key says of it; undefined for a key of another shape. */
export const parseManifestKey = (
  key: string,
): { readonly epoch: number; readonly sequence: number; readonly sha8: string } | undefined => {
  const parts = /^(\d+)-(\d+)-([0-9a-f]{8})\.json\.gz$/.exec(key.slice(key.lastIndexOf('/') + 1));
  if (parts === null) return undefined;
  return { epoch: Number(parts[1]), sequence: Number(parts[2]), sha8: parts[3] ?? '' };
};
