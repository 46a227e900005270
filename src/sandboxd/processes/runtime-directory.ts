import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of the daemon's own, outside of the home: what is in it is of no use after the daemon. */
export interface RuntimeDirectory {
  /** Made when it is first asked for, and again when somebody has removed it. Undefined where none can be made. */
  readonly path: () => string | undefined;
  readonly remove: () => void;
}

/** Memory first: a full disk must not keep anybody from running `rm`. */
const PLACES = ['/dev/shm', tmpdir()];

export const makeRuntimeDirectory = (): RuntimeDirectory => {
  let path: string | undefined;
  return {
    path: () => {
      if (path === undefined || !existsSync(path)) path = makeIn(PLACES);
      return path;
    },
    remove: () => {
      if (path !== undefined) rmSync(path, { recursive: true, force: true });
      path = undefined;
    },
  };
};

const makeIn = (places: readonly string[]): string | undefined => {
  for (const place of places) {
    try {
      return mkdtempSync(join(place, '.matrx-'));
    } catch {
      // Read-only, or full.
    }
  }
  return undefined;
};
