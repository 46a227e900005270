import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AGENT_ID } from '../api/names.ts';
import { systemClock } from '../base/clock.ts';
import { PROCESS_BUDGET } from '../workspace/byte-budget.ts';
import { emptyFolder, isEmptyFolder } from '../workspace/empty-folder.ts';
import type { Bucket } from '../workspace/fetch-verified.ts';
import { HomeError } from '../workspace/home.ts';
import { treeSize, type Manifest } from '../workspace/manifest.ts';
import { readCommitAt, readHeadCommit } from '../workspace/read-commit.ts';
import { restoredIndex } from '../workspace/restored-index.ts';
import { openRoot } from '../workspace/root.ts';
import { restoreTree } from '../workspace/restore-tree.ts';
import { formatBytes, progressLine, say, sayJson, withWorkspace } from './workspace-context.ts';
import type { RestoreToOptions } from './workspace.ts';

export const runRestore = (options: RestoreToOptions): Promise<number> =>
  withWorkspace(options, async ({ bucket, name, signal }) => {
    const folder = resolve(options.to);
    const commit =
      options.at === undefined
        ? (await readHeadCommit(bucket, signal))?.commit
        : await readCommitAt(bucket, options.at, signal);
    if (commit === undefined) throw new HomeError('NotRestored', `${name} has no commit to restore`);
    await mkdir(folder, { recursive: true });
    if (!(await isEmptyFolder(folder))) {
      throw new HomeError('NotRestored', `${folder} is not empty: restore writes into an empty folder only`);
    }
    await fill(folder, bucket, commit.manifest, signal);
    const size = treeSize(commit.manifest.entries);
    if (options.json === true) sayJson({ manifest: commit.key, folder, ...size });
    else say(`restored ${size.files} files, ${formatBytes(size.bytes)}, from ${name}${commit.key} into ${folder}`);
    return 0;
  });

/** All of it, or nothing: a partial tree is taken away again. */
const fill = async (folder: string, bucket: Bucket, manifest: Manifest, signal: AbortSignal): Promise<void> => {
  const ownerId = process.getuid?.() ?? AGENT_ID;
  const onProgress = progressLine('restored');
  try {
    await restoreTree(bucket, { manifest, folder, ownerId, budget: PROCESS_BUDGET, signal, onProgress });
    const root = openRoot(folder);
    await restoredIndex(root, manifest.entries, systemClock).finally(root.close);
  } catch (thrown) {
    await emptyFolder(folder);
    throw thrown;
  }
};
