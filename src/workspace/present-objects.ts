import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDiskFull, readStateFile } from './state-files.ts';

/** Keys that are in the bucket although no commit of this home refers to them yet. */
export interface PresentObjects {
  readonly has: (key: string) => boolean;
  readonly add: (key: string) => void;
  readonly clear: () => void;
}

const FILE = 'uploaded';
const KEY = /^\.ws\/(packs|blobs)\/[0-9a-f]{64}(\.tar)?$/;

/**
 * Remembers uploads over a `kill -9`, so that a large commit goes on where it ended. A line is written after S3 has
 * confirmed; one that is lost or torn costs an upload, nothing else.
 */
export const openPresentObjects = (folder: string): PresentObjects => {
  const file = join(folder, FILE);
  const lines = readStateFile(folder, FILE)?.toString().split('\n') ?? [];
  const keys = new Set(lines.filter((line) => KEY.test(line)));
  return {
    has: (key) => keys.has(key),
    add: (key) => {
      keys.add(key);
      try {
        appendFileSync(file, `${key}\n`, { mode: 0o600 });
      } catch (thrown) {
        if (!isDiskFull(thrown)) throw thrown;
      }
    },
    clear: () => {
      if (keys.size === 0) return;
      keys.clear();
      rmSync(file, { force: true });
    },
  };
};
