import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const LEFT_OUT = new Set(['node_modules', '.git', 'dist', 'dist-sandboxd', 'coverage', 'release']);
const BY_FIRST_LINE = /^(?:#!.*\b(?:ba)?sh\b|# shellcheck shell=bash)/;

/** True for a shell's script: by its ending, its first line, or the line by which a part of one tells its shell. */
export const isShellScript = (name: string, text: string): boolean =>
  /\.(sh|bash|bats)$/.test(name) || BY_FIRST_LINE.test(text);

/** All of them in the project, for shellcheck, as paths from `root`. */
export const shellScripts = (root: string): readonly string[] =>
  globSync(['**/*', '.ci/*'], { cwd: root, exclude: (name) => LEFT_OUT.has(name) })
    .filter((name) => statSync(join(root, name)).isFile())
    // Scripts end in .sh, .bash, .bats or nothing.
    .filter((name) => /(^|\/)[^.]+(\.(sh|bash|bats))?$/.test(name))
    .filter((name) => isShellScript(name, readFileSync(join(root, name), 'utf8')))
    .sort();
