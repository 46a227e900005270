import { displayPath, isSafePath, parentPath } from './byte-path.ts';
import { BLOB_BYTES, PACKED_BELOW, type Entry } from './entry.ts';

/**
 * Why these entries cannot be the tree of one home, or undefined. Restoring trusts only what has passed: every path
 * stays below the home, every parent is a directory of the same tree (so nothing is written through a symlink), every
 * size fits its content.
 */
export const treeFault = (entries: readonly Entry[]): string | undefined => {
  const directories = new Set<string>();
  const links = new Map<number, Entry>();
  let previous: string | undefined;
  for (const entry of entries) {
    const name = JSON.stringify(displayPath(entry.path));
    if (!isSafePath(entry.path)) return `the path ${name} is not below the home`;
    if (previous !== undefined && entry.path <= previous) return `the path ${name} is out of order or there twice`;
    previous = entry.path;
    const parent = parentPath(entry.path);
    if (parent !== undefined && !directories.has(parent)) return `${name} is in no directory of the tree`;
    if (entry.type === 'directory') directories.add(entry.path);
    const fault = entryFault(entry) ?? linkFault(entry, links);
    if (fault !== undefined) return `${name} ${fault}`;
  }
  return directories.has('') ? undefined : 'the home itself is missing';
};

const entryFault = (entry: Entry): string | undefined => {
  if (entry.path === '' && entry.type !== 'directory') return 'is the home, and no directory';
  if (entry.type === 'symlink' && (entry.target === '' || entry.target.includes('\0')))
    return 'has an impossible target';
  if (entry.type !== 'file') return undefined;
  const { content, size } = entry;
  if (content.kind === 'empty') return size === 0 ? undefined : `has ${size} bytes and no location`;
  if (content.kind === 'blobs') {
    const pieces = Math.ceil(size / BLOB_BYTES);
    return content.blobs.length === pieces ? undefined : `has ${content.blobs.length} blobs for ${size} bytes`;
  }
  if (content.sha256 === '') return 'is in a pack and has no sha256';
  return size > 0 && size < PACKED_BELOW ? undefined : `has ${size} bytes in a pack`;
};

const linkFault = (entry: Entry, links: Map<number, Entry>): string | undefined => {
  if (entry.type === 'directory' || entry.link === undefined) return undefined;
  const first = links.get(entry.link);
  if (first === undefined) links.set(entry.link, entry);
  return first === undefined || first.type === entry.type ? undefined : 'is linked to an entry of another type';
};
