import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../base/errors.ts';
import { readBucket } from './bucket.ts';
import { ownsKubeletRoot } from './kubelet-root.ts';
import type { Local } from './local.ts';
import { listMountsBelow } from './mounts.ts';
import { HOMES_ROOT, KUBELET_ROOT } from './paths.ts';

/** What `up` writes below the state folder; nothing else in it is touched, whatever folder a person named. */
const STATE_ENTRIES =
  /^(api-key|bin|certificates|cluster|cluster\.json|host-before\.json|install|kubeconfig|lock|logs|processes|run|s3|url)$/;
const CACHE_ENTRIES = /^(bin|debootstrap|docker|npm-.*)$/;

export interface PurgeOptions {
  /** The cluster, its keys and the data of the embedded S3 server. */
  readonly state: boolean;
  /** Downloads and builds. */
  readonly cache: boolean;
}

/** Deletes what was asked for and resolves with what could not be deleted, in words for a person. */
export const purge = async (
  local: Local,
  options: PurgeOptions,
  print: (line: string) => void,
): Promise<readonly string[]> => {
  const problems: string[] = [];
  const attempt = async (folder: string, act: () => Promise<void>): Promise<void> => {
    // Deleting through a mount would delete what is mounted.
    const mounts = await listMountsBelow([folder]);
    if (mounts.length > 0) {
      problems.push(`${folder}: ${mounts[0]} is still mounted`);
      return;
    }
    try {
      await act();
      print(`deleted ${folder}`);
    } catch (error) {
      problems.push(`${folder}: ${errorMessage(error)}`);
    }
  };
  if (options.state) {
    const embedded = (await readBucket(local.paths))?.embedded !== false;
    if (await ownsKubeletRoot(local)) {
      await attempt(KUBELET_ROOT, () => removeEntries(KUBELET_ROOT, /./));
      // With a bucket of their own, homes that are not saved yet are worth more than a clean machine.
      if (embedded) await attempt(HOMES_ROOT, () => removeEntries(HOMES_ROOT, /./));
      else print(`kept ${HOMES_ROOT}: homes that are not yet saved to the bucket may lie there`);
    }
    await attempt(local.paths.state, () => removeEntries(local.paths.state, STATE_ENTRIES));
  }
  if (options.cache) await attempt(local.paths.cache, () => removeEntries(local.paths.cache, CACHE_ENTRIES));
  return problems;
};

const removeEntries = async (folder: string, entries: RegExp): Promise<void> => {
  for (const name of await readdir(folder).catch(() => [])) {
    if (entries.test(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
  // Stays when it is a file system of its own, or a person keeps something of theirs in it.
  await rmdir(folder).catch(() => {});
};
