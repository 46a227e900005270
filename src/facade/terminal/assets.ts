import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The files of the terminal page, and what they are. All of them are the product's own: the page needs no network. */
export const TERMINAL_ASSETS = {
  'terminal.html': 'text/html; charset=utf-8',
  'terminal.css': 'text/css; charset=utf-8',
  'terminal.mjs': 'text/javascript; charset=utf-8',
  'xterm.css': 'text/css; charset=utf-8',
  'xterm.mjs': 'text/javascript; charset=utf-8',
} as const;
export type TerminalAsset = keyof typeof TERMINAL_ASSETS;

/** Beside the code, where the build puts all of them; or, run from the sources, in the package that some come from. */
const FOLDERS = ['.', '../../../node_modules/@xterm/xterm/lib', '../../../node_modules/@xterm/xterm/css'];

const read = new Map<TerminalAsset, Promise<Buffer>>();

/** Read once. Rejects where the file is in none of the places. */
export const readTerminalAsset = (name: TerminalAsset): Promise<Buffer> => {
  const known = read.get(name);
  if (known !== undefined) return known;
  const content = Promise.any(FOLDERS.map((folder) => readFile(join(import.meta.dirname, folder, name))));
  read.set(name, content);
  return content;
};
