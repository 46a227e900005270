import { isUtf8 } from 'node:buffer';
import { posix } from 'node:path';
import { DaemonError } from '../protocol/problem.ts';

declare const bytes: unique symbol;

/**
 * A path or a name as the kernel has it: a string in which each character is one byte (latin1). So names that are no
 * UTF-8 pass, and node:path and comparison work as they do in the kernel. For node:fs make it a Buffer (`toFs`).
 */
export type BytePath = string & { readonly [bytes]: true };

const branded = (text: string): BytePath => text as BytePath;

export const fromText = (text: string): BytePath => branded(Buffer.from(text, 'utf8').toString('latin1'));
export const fromFs = (name: Buffer): BytePath => branded(name.toString('latin1'));
export const toFs = (path: BytePath): Buffer => Buffer.from(path, 'latin1');
/** For people and JSON: what is no UTF-8 becomes U+FFFD. */
export const toText = (path: BytePath): string => toFs(path).toString('utf8');
export const isText = (path: BytePath): boolean => isUtf8(toFs(path));

/** As it goes into a URL: every byte that is not unreserved or `/` is percent-encoded. */
export const encodePath = (path: BytePath): string =>
  path.replace(/[^A-Za-z0-9\-._~/]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);

export const joinPath = (directory: BytePath, name: BytePath): BytePath =>
  branded(directory === '/' ? `/${name}` : `${directory}/${name}`);
export const parentOf = (path: BytePath): BytePath => branded(posix.dirname(path));
export const nameOf = (path: BytePath): BytePath => branded(posix.basename(path));

/** Whether `path` is `directory` or below it. */
export const isWithin = (directory: BytePath, path: BytePath): boolean =>
  path === directory || directory === '/' || path.startsWith(`${directory}/`);

/** Absolute and without `.`, `..` and superfluous slashes. */
export const resolvePath = (base: BytePath, given: BytePath): BytePath => {
  if (given.includes('\0')) throw new DaemonError('invalid_argument', 'a path cannot hold a NUL');
  return branded(posix.resolve(base, given));
};

/**
 * A parameter of a URL's query as bytes: `+` is a space and `%XX` a byte. Undefined where it is missing. Throws
 * `invalid_argument` for what is not well-formed.
 */
export const pathParameter = (url: string, name: string): BytePath | undefined => {
  const at = url.indexOf('?');
  if (at === -1) return undefined;
  for (const pair of url.slice(at + 1).split('&')) {
    const [key = '', ...value] = pair.split('=');
    if (key === name) return decodeBytes(value.join('='), name);
  }
  return undefined;
};

const decodeBytes = (encoded: string, name: string): BytePath => {
  if (/%(?![0-9a-fA-F]{2})/.test(encoded)) {
    throw new DaemonError('invalid_argument', `${name} is not percent-encoded: write % as %25`);
  }
  // What is not encoded at all came over the wire as bytes as well, and Node reads a request's line as latin1.
  return branded(
    encoded
      .replaceAll('+', ' ')
      .replace(/%([0-9a-fA-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16))),
  );
};
