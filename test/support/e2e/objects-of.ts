import { createHash } from 'node:crypto';
import { workspacePrefix } from '../../../src/api/workspace-id.ts';
import type { Cluster } from './cluster.ts';
import { bucketWith, rootCredentials } from './cold/cold.ts';

/** Of each object of the user: its key, and what changes with its content. */
export const objectsOf = async (cluster: Cluster, userId: string): Promise<ReadonlyMap<string, string>> => {
  const store = bucketWith(cluster, rootCredentials(cluster.environment));
  const prefix = workspacePrefix(userId);
  try {
    const found = new Map<string, string>();
    for await (const { key, size } of store.list(prefix)) {
      const { body } = await store.get(key);
      found.set(key.slice(prefix.length), `${size} ${createHash('sha256').update(body).digest('hex')}`);
    }
    return found;
  } finally {
    store.close();
  }
};
