/**
 * A path relative to the home as raw bytes, one character per byte (latin1), segments joined by `/`; the empty string
 * is the home itself. Linux file names are bytes, not text: this keeps every one of them exactly, sorts as the bytes
 * do, works as a Map key, and costs V8 one byte per character.
 */
export type BytePath = string;

/** Linux's PATH_MAX without its final NUL and without room for the directory the home is in. */
export const MAX_PATH_BYTES = 3800;
const MAX_SEGMENT_BYTES = 255;

export const joinPath = (folder: BytePath, name: BytePath): BytePath => (folder === '' ? name : `${folder}/${name}`);

/** The folder a path is in; undefined for the home itself. */
export const parentPath = (path: BytePath): BytePath | undefined =>
  path === '' ? undefined : path.slice(0, Math.max(0, path.lastIndexOf('/')));

export const baseName = (path: BytePath): BytePath => path.slice(path.lastIndexOf('/') + 1);

export const pathBytes = (path: BytePath): Buffer => Buffer.from(path, 'latin1');

/** `text` is UTF-8, as people and command lines write it. */
export const bytePath = (text: string): BytePath => Buffer.from(text).toString('latin1');

/** For messages and lists: UTF-8 where it is, `�` where it is not. */
export const displayPath = (path: BytePath): string => pathBytes(path).toString();

/** True for a path that stays below the home whatever is there: no empty, `.` or `..` segment, no NUL, not absolute. */
export const isSafePath = (path: BytePath): boolean =>
  path === '' ||
  (path.length <= MAX_PATH_BYTES &&
    !path.includes('\0') &&
    path.split('/').every((s) => s !== '' && s !== '.' && s !== '..' && s.length <= MAX_SEGMENT_BYTES));

/** Sorts as the bytes do: a folder comes before what it holds. */
export const comparePaths = (a: { readonly path: BytePath }, b: { readonly path: BytePath }): number =>
  a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
