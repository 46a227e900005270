import { hash } from 'node:crypto';
import { displayPath } from './byte-path.ts';
import {
  BLOB_BYTES,
  pieceCount,
  storedPieces,
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  type StoredPiece,
  type SymlinkEntry,
} from './entry.ts';
import { hashFault } from './fetch-verified.ts';
import { blobKey, packKey } from './layout.ts';
import type { Manifest } from './manifest.ts';
import { TAR_BLOCK, tarHeader, tarPadding, type TarMember } from './tar-format.ts';

/** A part of the tar stream that makes a home: an object to fetch, if any, and what to write once it is there. */
export interface RestoreStep {
  readonly object?: {
    readonly key: string;
    /** About its size, for the budget. */
    readonly bytes: number;
    readonly fault: (body: Buffer) => string | undefined;
  };
  readonly chunks: (body: Buffer) => readonly Buffer[];
  readonly files: number;
  readonly bytes: number;
}

/** Entries without data that go into one step. */
const BATCH = 500;

/**
 * The whole stream in an order that leaves nothing to be touched twice: files (pack by pack), links to them, symlinks,
 * and the directories last, the deepest first, so that what is made in them does not change their times.
 */
export const restoreSteps = (manifest: Manifest, ownerId: number): readonly RestoreStep[] => {
  const { leaders, followers } = splitLinks(manifest.entries);
  const files = leaders.filter((entry) => entry.type === 'file');
  const member = memberOf(ownerId);
  const data = (entry: Entry | Follower): Buffer => tarHeader(member(entry));
  const directories = manifest.entries.filter((entry): entry is DirectoryEntry => entry.type === 'directory');
  return [
    ...packSteps(files, manifest.packs, data),
    ...batches(
      files.filter(({ content }) => content.kind === 'empty'),
      data,
    ),
    ...files.flatMap((file) => (file.content.kind === 'blobs' ? blobSteps(file, file.content.blobs, ownerId) : [])),
    ...batches(
      followers.filter(({ entry }) => entry.type === 'file'),
      data,
    ),
    ...batches(
      leaders.filter((entry) => entry.type === 'symlink'),
      data,
    ),
    ...batches(
      followers.filter(({ entry }) => entry.type === 'symlink'),
      data,
    ),
    ...batches(directories.reverse(), data),
  ];
};

/** A further name of a file or symlink. */
interface Follower {
  readonly entry: FileEntry | SymlinkEntry;
  readonly leader: FileEntry | SymlinkEntry;
}

const splitLinks = (entries: readonly Entry[]) => {
  const first = new Map<number, FileEntry | SymlinkEntry>();
  const leaders: (FileEntry | SymlinkEntry)[] = [];
  const followers: Follower[] = [];
  for (const entry of entries) {
    if (entry.type === 'directory') continue;
    const leader = entry.link === undefined ? undefined : first.get(entry.link);
    if (leader !== undefined) followers.push({ entry, leader });
    else leaders.push(entry);
    if (entry.link !== undefined && leader === undefined) first.set(entry.link, entry);
  }
  return { leaders, followers };
};

const memberOf =
  (ownerId: number) =>
  (what: Entry | Follower): TarMember => {
    if ('leader' in what) {
      const { path, mode, mtimeNs } = what.entry;
      return { path, mode, mtimeNs, kind: 'hardlink', target: what.leader.path, size: 0, ownerId };
    }
    const { path, mode, mtimeNs, type } = what;
    const common = { path, mode, mtimeNs, ownerId };
    if (type === 'symlink') return { ...common, kind: 'symlink', target: what.target, size: 0 };
    return { ...common, kind: type, size: type === 'file' ? what.size : 0 };
  };

const batches = <T>(all: readonly T[], data: (one: T) => Buffer): readonly RestoreStep[] => {
  const steps: RestoreStep[] = [];
  for (let start = 0; start < all.length; start += BATCH) {
    const batch = all.slice(start, start + BATCH);
    steps.push({ files: batch.length, bytes: 0, chunks: () => [Buffer.concat(batch.map(data))] });
  }
  return steps;
};

interface Placed {
  readonly file: FileEntry;
  readonly sha256: string;
  readonly offset: number;
}

const packSteps = (
  files: readonly FileEntry[],
  packs: ReadonlyMap<string, number>,
  data: (entry: Entry) => Buffer,
): readonly RestoreStep[] => {
  const byPack = new Map<string, Placed[]>();
  for (const file of files) {
    if (file.content.kind !== 'packed') continue;
    const { pack, sha256, offset } = file.content;
    const placed = byPack.get(pack);
    if (placed === undefined) byPack.set(pack, [{ file, sha256, offset }]);
    else placed.push({ file, sha256, offset });
  }
  return [...byPack].map(([pack, placed]) => ({
    object: { key: packKey(pack), bytes: packs.get(pack) ?? BLOB_BYTES, fault: packFault(placed) },
    files: placed.length,
    bytes: placed.reduce((sum, { file }) => sum + file.size, 0),
    // One write for the whole pack: three for each of its thousands of files cost more than the copy.
    chunks: (body) => [
      Buffer.concat(
        placed.flatMap(({ file, offset }) => [
          data(file),
          body.subarray(offset, offset + file.size),
          Buffer.alloc(tarPadding(file.size)),
        ]),
      ),
    ],
  }));
};

const packFault =
  (placed: readonly Placed[]) =>
  (body: Buffer): string | undefined => {
    const wrong = placed.find(
      ({ file, sha256, offset }) => hash('sha256', body.subarray(offset, offset + file.size), 'hex') !== sha256,
    );
    return wrong && `the bytes of ${JSON.stringify(displayPath(wrong.file.path))} do not have its SHA-256`;
  };

/** One large file: header, pieces, padding. Holes are left out by tar's own sparse format (GNU, PAX 1.0). */
const blobSteps = (file: FileEntry, blobs: readonly (string | number)[], ownerId: number): readonly RestoreStep[] => {
  const stored = storedPieces(blobs, file.size);
  const map = stored.length === pieceCount(blobs) ? undefined : sparseMap(stored, file.size);
  const size = stored.reduce((sum, { length }) => sum + length, map?.length ?? 0);
  const header = tarHeader({
    path: file.path,
    mode: file.mode,
    mtimeNs: file.mtimeNs,
    kind: 'file',
    size,
    ownerId,
    ...(map === undefined ? {} : { records: sparseRecords(file) }),
  });
  return [
    { files: 0, bytes: 0, chunks: () => (map === undefined ? [header] : [header, map]) },
    ...stored.map(({ blob, length }): RestoreStep => ({
      object: { key: blobKey(blob), bytes: length, fault: hashFault(blob) },
      files: 0,
      bytes: length,
      chunks: (body) => [body],
    })),
    { files: 1, bytes: 0, chunks: () => [Buffer.alloc(tarPadding(size))] },
  ];
};

const sparseRecords = (file: FileEntry): readonly (readonly [string, string])[] => [
  ['GNU.sparse.major', '1'],
  ['GNU.sparse.minor', '0'],
  ['GNU.sparse.name', file.path],
  ['GNU.sparse.realsize', String(file.size)],
];

const sparseMap = (stored: readonly StoredPiece[], size: number): Buffer => {
  // The empty region at the end makes the file as long as it is when it ends with a hole.
  const regions = [...stored.map(({ offset, length }) => `${offset}\n${length}\n`), `${size}\n0\n`];
  const text = `${regions.length}\n${regions.join('')}`;
  return Buffer.concat([Buffer.from(text), Buffer.alloc((TAR_BLOCK - (text.length % TAR_BLOCK)) % TAR_BLOCK)]);
};
