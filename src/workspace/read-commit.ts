import { hash } from 'node:crypto';
import { fetchManifest, fetchVerified, type Bucket } from './fetch-verified.ts';
import { readHead } from './head-object.ts';
import type { Head } from './head.ts';
import { HomeError } from './home.ts';
import { CONFLICTS, MANIFESTS, parseManifestKey } from './layout.ts';
import { decodeManifest, type Manifest } from './manifest.ts';

/** A commit as it can be read without being its workspace's writer. */
export interface ReadCommit {
  /** Below the prefix. */
  readonly key: string;
  readonly manifest: Manifest;
}

/** HEAD's commit; undefined where nothing was ever committed. Claims nothing. Throws HomeError `Corrupt`, StoreErrors. */
export const readHeadCommit = async (
  bucket: Bucket,
  signal?: AbortSignal,
): Promise<{ readonly head: Head; readonly commit: ReadCommit | undefined } | undefined> => {
  const current = await readHead(bucket, signal);
  if (current === undefined) return undefined;
  const { manifest: key, manifestSha256 } = current.head;
  if (key === undefined || manifestSha256 === undefined) return { head: current.head, commit: undefined };
  const { manifest } = await fetchManifest(bucket, key, manifestSha256, signal);
  return { head: current.head, commit: { key, manifest } };
};

/** Any manifest, an old one or a conflict, by its key below the prefix or by the last part of it. */
export const readCommitAt = async (bucket: Bucket, name: string, signal?: AbortSignal): Promise<ReadCommit> => {
  const key = keyOf(name);
  const sha8 = key.startsWith(MANIFESTS) ? parseManifestKey(key)?.sha8 : undefined;
  const fault = (body: Buffer): string | undefined => {
    const sha256 = hash('sha256', body, 'hex');
    return sha8 === undefined || sha256.startsWith(sha8) ? undefined : `its SHA-256 is ${sha256}, not ${sha8}…`;
  };
  const body = await fetchVerified(bucket, key, fault, signal);
  return { key, manifest: await decodeManifest(body, `${bucket.store.name}/${bucket.prefix}${key}`) };
};

const keyOf = (name: string): string => {
  if (name.startsWith(MANIFESTS) || name.startsWith(CONFLICTS)) return name;
  const file = name.endsWith('.json.gz') ? name : `${name}.json.gz`;
  if (parseManifestKey(file) !== undefined) return MANIFESTS + file;
  if (/^\d+-[0-9a-f]{16}\.json\.gz$/.test(file)) return CONFLICTS + file;
  throw new HomeError('Corrupt', `${JSON.stringify(name)} is no manifest: take one from "matrx workspace log"`);
};
