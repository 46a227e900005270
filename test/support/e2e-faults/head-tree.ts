import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { PROCESS_BUDGET } from '../../../src/workspace/byte-budget.ts';
import { readHeadCommit } from '../../../src/workspace/read-commit.ts';
import { restoreTree } from '../../../src/workspace/restore-tree.ts';
import { makeS3Store } from '../../../src/workspace/s3/store.ts';
import type { HomeProgramSettings } from './home-process.ts';
import { type TreeManifest, treeManifest } from './tree-manifest.ts';

/** What HEAD restores to, by the parts of `matrx workspace restore` in this process: it is asked after every kill. */
export const headTree = async ({ s3, prefix }: Pick<HomeProgramSettings, 's3' | 'prefix'>): Promise<TreeManifest> => {
  const folder = await mkdtemp(join(tmpdir(), 'matrx-head-'));
  const store = makeS3Store({ ...s3, clock: systemClock, random: systemRandom });
  const bucket = { store, prefix };
  try {
    const commit = (await readHeadCommit(bucket))?.commit;
    if (commit === undefined) throw new Error(`${prefix} has no commit`);
    await restoreTree(bucket, {
      manifest: commit.manifest,
      folder,
      ownerId: process.getuid?.() ?? 0,
      budget: PROCESS_BUDGET,
      signal: undefined,
      onProgress: undefined,
    });
    return await treeManifest(folder);
  } finally {
    store.close();
    await rm(folder, { recursive: true, force: true });
  }
};
