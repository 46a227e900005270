import { hash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PROCESS_BUDGET } from '../../../src/workspace/byte-budget.ts';
import { fetchManifest } from '../../../src/workspace/fetch-verified.ts';
import { readHead } from '../../../src/workspace/head-object.ts';
import { restoreTree } from '../../../src/workspace/restore-tree.ts';
import { PREFIX, type TestHomes } from './test-homes.ts';

/** Restores any manifest, a conflict's too, into a new folder and gives the folder. */
export const restoreManifest = async ({ fake, store, folder }: TestHomes, key: string): Promise<string> => {
  const into = join(folder, `from-${key.replaceAll('/', '_')}`);
  mkdirSync(into);
  const bucket = { store, prefix: PREFIX };
  const body = fake.buckets.get('test')?.get(PREFIX + key)?.body ?? Buffer.alloc(0);
  const { manifest } = await fetchManifest(bucket, key, hash('sha256', body, 'hex'), undefined);
  const quiet = { signal: undefined, onProgress: undefined };
  await restoreTree(bucket, { manifest, folder: into, ownerId: 1000, budget: PROCESS_BUDGET, ...quiet });
  return into;
};

/** Restores HEAD into an empty folder, without a claim. */
export const restoreHeadInto = async ({ store }: TestHomes, folder: string): Promise<void> => {
  const bucket = { store, prefix: PREFIX };
  const current = await readHead(bucket, undefined);
  if (current?.head.manifest === undefined || current.head.manifestSha256 === undefined) return;
  const { manifest } = await fetchManifest(bucket, current.head.manifest, current.head.manifestSha256, undefined);
  const quiet = { signal: undefined, onProgress: undefined };
  await restoreTree(bucket, { manifest, folder, ownerId: 1000, budget: PROCESS_BUDGET, ...quiet });
};
