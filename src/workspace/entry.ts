import type { BytePath } from './byte-path.ts';

/** Files of this size and more are stored as blobs, smaller ones in packs. Bytes. */
export const PACKED_BELOW = 4 << 20;
/** Every blob but a file's last has this size. Bytes. */
export const BLOB_BYTES = 8 << 20;

/** Where a file's bytes are. Hashes are SHA-256 in lower-case hex. */
export type Content =
  | { readonly kind: 'empty' }
  /** `offset` bytes into the pack, where the tar member's data begins. `sha256` is the file's. */
  | { readonly kind: 'packed'; readonly sha256: string; readonly pack: string; readonly offset: number }
  /**
   * The file cut every BLOB_BYTES: a piece's hash, or how many pieces in a row are nothing but zeros. Those are not
   * stored, and come back as a hole.
   */
  | { readonly kind: 'blobs'; readonly blobs: readonly (string | number)[] };

export interface StoredPiece {
  readonly blob: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly length: number;
}

/** The pieces of a file of `size` bytes that are in the bucket. */
export const storedPieces = (blobs: readonly (string | number)[], size: number): readonly StoredPiece[] => {
  const pieces: StoredPiece[] = [];
  let offset = 0;
  for (const blob of blobs) {
    if (typeof blob === 'string') pieces.push({ blob, offset, length: Math.min(BLOB_BYTES, size - offset) });
    offset += BLOB_BYTES * (typeof blob === 'string' ? 1 : blob);
  }
  return pieces;
};

export const pieceCount = (blobs: readonly (string | number)[]): number =>
  blobs.reduce<number>((count, blob) => count + (typeof blob === 'string' ? 1 : blob), 0);

/** Adds `count` pieces of zeros to the end of a list. */
export const addHole = (blobs: (string | number)[], count: number): void => {
  const last = blobs.at(-1);
  if (typeof last === 'number') blobs[blobs.length - 1] = last + count;
  else if (count > 0) blobs.push(count);
};

interface Common {
  readonly path: BytePath;
  /** Permission bits, 07777: setuid, setgid and sticky as the user had them. */
  readonly mode: number;
  readonly mtimeNs: bigint;
}
export interface DirectoryEntry extends Common {
  readonly type: 'directory';
}
export interface FileEntry extends Common {
  readonly type: 'file';
  readonly size: number;
  readonly content: Content;
  /** Names with the same number are hard links to one file. */
  readonly link?: number;
}
export interface SymlinkEntry extends Common {
  readonly type: 'symlink';
  /** Raw bytes, one character per byte. */
  readonly target: string;
  readonly link?: number;
}
/**
 * One name in a home. Owners are not kept: everything belongs to the agent. Neither are extended attributes and ACLs,
 * which Node cannot read, nor access times.
 */
export type Entry = DirectoryEntry | FileEntry | SymlinkEntry;

/** The same bytes, wherever they are stored. */
export const sameContent = (a: Content, b: Content): boolean => {
  if (a.kind === 'packed') return b.kind === 'packed' && a.sha256 === b.sha256;
  if (a.kind === 'empty') return b.kind === 'empty';
  return b.kind === 'blobs' && a.blobs.length === b.blobs.length && a.blobs.every((blob, i) => blob === b.blobs[i]);
};

/** Equal in everything a restore would bring back, but for the numbering of link groups, which is the tree's. */
export const sameEntry = (a: Entry, b: Entry): boolean => {
  if (a.path !== b.path || a.mode !== b.mode || a.mtimeNs !== b.mtimeNs) return false;
  if (a.type === 'directory') return b.type === 'directory';
  if (a.type === 'symlink') return b.type === 'symlink' && a.target === b.target && a.link === b.link;
  return b.type === 'file' && a.size === b.size && a.link === b.link && sameContent(a.content, b.content);
};
