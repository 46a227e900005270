import { hash } from 'node:crypto';
import { PROCESS_BUDGET } from './byte-budget.ts';
import { displayPath } from './byte-path.ts';
import { BLOB_BYTES, storedPieces, type FileEntry } from './entry.ts';
import { fetchVerified, hashFault, type Bucket } from './fetch-verified.ts';
import { isHomeError, type Progress } from './home.ts';
import { blobKey, packKey } from './layout.ts';
import type { Manifest } from './manifest.ts';
import { orderedPrefetch } from './ordered-prefetch.ts';

/** One object that is missing or wrong, and the files that cannot be restored for it. */
export interface Damage {
  /** Below the prefix. */
  readonly key: string;
  readonly message: string;
  readonly paths: readonly string[];
}

const AHEAD = 4;

interface Part {
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly files: FileEntry[];
}

/**
 * Reads every pack and blob that a commit refers to, and compares it with its name, and each file with its hash.
 * Answers with all that is wrong; throws only for requests that fail otherwise.
 */
export const verifyCommit = async (
  bucket: Bucket,
  manifest: Manifest,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (progress: Progress) => void } = {},
): Promise<readonly Damage[]> => {
  const parts = partsOf(manifest);
  const bytesTotal = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const damages: Damage[] = [];
  let done = { objects: 0, bytes: 0 };
  const check = async (part: Part): Promise<Damage | undefined> => {
    const release = await PROCESS_BUDGET.acquire(part.bytes, options.signal);
    try {
      await fetchVerified(bucket, part.key, (body) => fault(part, body), options.signal);
      return undefined;
    } catch (thrown) {
      if (!isHomeError(thrown, 'Corrupt')) throw thrown;
      return { key: part.key, message: thrown.message, paths: part.files.map(({ path }) => displayPath(path)) };
    } finally {
      release();
    }
  };
  for await (const [part, damage] of orderedPrefetch(parts, AHEAD, check, () => undefined)) {
    if (damage !== undefined) damages.push(damage);
    done = { objects: done.objects + 1, bytes: done.bytes + part.bytes };
    const progress = { filesDone: done.objects, filesTotal: parts.length, bytesDone: done.bytes, bytesTotal };
    options.onProgress?.(progress);
  }
  return damages;
};

const partsOf = ({ entries, packs }: Manifest): readonly Part[] => {
  const parts = new Map<string, Part>();
  const add = (key: string, sha256: string, bytes: number, file: FileEntry): void => {
    const part = parts.get(key) ?? { key, sha256, bytes, files: [] };
    if (part.files.at(-1) !== file) part.files.push(file);
    parts.set(key, part);
  };
  for (const entry of entries) {
    if (entry.type !== 'file') continue;
    const { content } = entry;
    if (content.kind === 'packed')
      add(packKey(content.pack), content.pack, packs.get(content.pack) ?? BLOB_BYTES, entry);
    if (content.kind !== 'blobs') continue;
    for (const { blob, length } of storedPieces(content.blobs, entry.size)) add(blobKey(blob), blob, length, entry);
  }
  return [...parts.values()];
};

const fault = ({ sha256, files }: Part, body: Buffer): string | undefined => {
  for (const { content, size, path } of files) {
    if (content.kind !== 'packed') continue;
    const found = hash('sha256', body.subarray(content.offset, content.offset + size), 'hex');
    if (found !== content.sha256) return `the bytes of ${JSON.stringify(displayPath(path))} do not have its SHA-256`;
  }
  return hashFault(sha256)(body);
};
