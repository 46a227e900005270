import { displayPath, isSafePath, parentPath } from './byte-path.ts';
import { BLOB_BYTES, PACKED_BELOW, pieceCount, type Entry } from './entry.ts';

/**
 * Looks at the entries of a manifest one by one, in their order, and says why they cannot be the tree of one home.
 * Restoring trusts only what has passed: every path stays below the home, every parent is a directory of the same tree
 * (so nothing is written through a symlink), every size fits its content.
 */
export interface TreeCheck {
  /** What is wrong with the next entry, or undefined. */
  readonly add: (entry: Entry) => string | undefined;
  /** What is missing at the end, or undefined. */
  readonly end: () => string | undefined;
}

export const makeTreeCheck = (): TreeCheck => {
  const directories = new Set<string>();
  const links = new Map<number, Entry>();
  let previous: string | undefined;

  const placeFault = ({ path }: Entry): string | undefined => {
    if (!isSafePath(path)) return 'is not below the home';
    if (previous !== undefined && path <= previous) return 'is out of order or there twice';
    const parent = parentPath(path);
    return parent === undefined || directories.has(parent) ? undefined : 'is in no directory of the tree';
  };

  const add: TreeCheck['add'] = (entry) => {
    const fault = placeFault(entry) ?? entryFault(entry) ?? linkFault(entry, links);
    previous = entry.path;
    if (entry.type === 'directory') directories.add(entry.path);
    return fault === undefined ? undefined : `${JSON.stringify(displayPath(entry.path))} ${fault}`;
  };

  return { add, end: () => (directories.has('') ? undefined : 'the home itself is missing') };
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
    const found = pieceCount(content.blobs);
    return found === pieces ? undefined : `has ${found} pieces for ${size} bytes`;
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
