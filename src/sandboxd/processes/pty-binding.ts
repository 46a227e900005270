import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { fileURLToPath } from 'node:url';
import { DaemonError } from '../protocol/problem.ts';

/**
 * The native part of @lydell/node-pty, without its JavaScript, which writes to a terminal in a busy loop when it is full,
 * and without its `fork`, whose children inherit the terminals of all others.
 */
export interface PtyBinding {
  /** Descriptors of both ends of a new terminal, which do not block, and the name of the slave. */
  readonly open: (
    cols: number,
    rows: number,
  ) => { readonly master: number; readonly slave: number; readonly pty: string };
  readonly resize: (master: number, cols: number, rows: number) => void;
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
