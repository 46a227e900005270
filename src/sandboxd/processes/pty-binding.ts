import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { fileURLToPath } from 'node:url';
import { DaemonError } from '../protocol/problem.ts';

/** The native part of @lydell/node-pty, without its JavaScript: that writes to a terminal in a busy loop when it is full. */
export interface PtyBinding {
  /**
   * A child on a new terminal, as the leader of a new session. `env` are NAME=value. `onExit` gets a signal's number, or
   * 0. The descriptor is the terminal's master end, and does not block.
   */
  readonly fork: (
    file: string,
    args: readonly string[],
    env: readonly string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helperPath: string,
    onExit: (exitCode: number, signal: number) => void,
  ) => { readonly fd: number; readonly pid: number };
  readonly resize: (fd: number, cols: number, rows: number) => void;
}

let loaded: PtyBinding | undefined;

/** Loaded with the first terminal, for the sake of the sandboxes that never have one. Throws a DaemonError. */
export const ptyBinding = (): PtyBinding => {
  loaded ??= load();
  return loaded;
};

const load = (): PtyBinding => {
  const here = import.meta.url;
  // In the image it lies beside the bundle.
  const beside = fileURLToPath(new URL('pty.node', here));
  const name = existsSync(beside) ? beside : `@lydell/node-pty-${platform()}-${arch()}/pty.node`;
  try {
    return createRequire(here)(name) as PtyBinding;
  } catch (cause) {
    throw new DaemonError('unimplemented', 'this sandbox has no terminals: pty.node cannot be loaded', cause);
  }
};
