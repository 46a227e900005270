import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RuntimeDirectory } from './runtime-directory.ts';

/** A bash command, ready to be run. */
export interface ShellCommand {
  readonly argv: readonly string[];
  /** On top of the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Where the shell was when it ended; null where it did not say. To be asked once, after the end. */
  readonly endedIn: () => string | null;
}

/**
 * What bash reads before the command, by BASH_ENV: it sets a trap that leaves the working directory in a file when the
 * shell ends, and removes every trace of itself. Nothing is added to the command, so a trailing `&`, a comment, a
 * heredoc or a syntax error mean what they mean in a shell.
 *
 * The trap says nothing where the command sets an EXIT trap of its own, or ends by `exec`. It writes a NUL first: a
 * DEBUG trap of the command's may have written something before. A BASH_ENV of the sandbox's own comes after it.
 */
const BEFORE_COMMAND = `trap "{ trap - DEBUG; set +ex; builtin printf '\\0'; builtin pwd -L; } >|$MATRX_ENDED_IN 2>/dev/null" EXIT
BASH_ENV=$MATRX_BASH_ENV
unset MATRX_ENDED_IN MATRX_BASH_ENV OLDPWD
if [ -n "$BASH_ENV" ]; then . "$BASH_ENV"; else unset BASH_ENV; fi
`;

/** `id` makes the file's name: letters, digits and `-`. */
export const shellCommand = (
  command: string,
  id: string,
  bashEnv: string | undefined,
  directory: RuntimeDirectory,
): ShellCommand => {
  const argv = ['bash', '-c', '--', command];
  const before = beforeCommand(directory);
  if (before === undefined) return { argv, env: {}, endedIn: () => null };
  const report = join(before.folder, `cwd-${id}`);
  return {
    argv,
    env: { BASH_ENV: before.file, MATRX_ENDED_IN: report, MATRX_BASH_ENV: bashEnv ?? '' },
    endedIn: () => {
      try {
        const text = readFileSync(report, 'utf8');
        const path = text.slice(text.lastIndexOf('\0') + 1).replace(/\n$/, '');
        return path.startsWith('/') ? path : null;
      } catch {
        return null;
      } finally {
        rmSync(report, { force: true });
      }
    },
  };
};

/** The file with BEFORE_COMMAND; undefined where there is no place for it. */
const beforeCommand = (directory: RuntimeDirectory): { readonly folder: string; readonly file: string } | undefined => {
  const folder = directory.path();
  if (folder === undefined) return undefined;
  const file = join(folder, 'before-command');
  try {
    if (!existsSync(file)) writeFileSync(file, BEFORE_COMMAND, { mode: 0o600 });
    return { folder, file };
  } catch {
    return undefined;
  }
};
