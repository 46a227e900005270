import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../telemetry/log.ts';
import type { ObjectStore } from '../../workspace/object-store.ts';
import type { ColdRecord } from './cold-record.ts';

/** Controllers count the writers of a workspace from here. */
const FIRST_EPOCH = 1;

/**
 * Gives a new user's cold storage its folder marker, an object without bytes whose key ends in `/`: whoever looks for the
 * user in the bucket finds it, and a mount does not show it as a file. (The home has `.ws/HEAD` from its first start on.)
 * One request in a workspace's life. Nothing depends on it, so that it holds up nothing. Never rejects.
 */
export const markNewUser = async (
  store: Pick<ObjectStore, 'put'>,
  { prefix, epoch }: Pick<ColdRecord, 'prefix' | 'epoch'>,
  log: Log,
  signal: AbortSignal,
): Promise<void> => {
  if (epoch !== FIRST_EPOCH) return;
  try {
    await store.put(`${prefix}cold/`, Buffer.alloc(0), { contentType: 'application/x-directory', signal });
  } catch (error) {
    log.warn({ prefix, err: errorMessage(error) }, 'the folder of a new user is not marked');
  }
};
