import type { SessionReason } from '../api/workspace.ts';
import { errorMessage } from '../base/errors.ts';
import { isHomeError, type HomeErrorReason } from '../workspace/home.ts';
import type { SessionEvent } from './session-transition.ts';
import { isStoreError, type StoreErrorReason } from '../workspace/object-store.ts';

/** What a session's last attempt met, as its status shows it. */
export interface SessionFailure {
  readonly reason: SessionReason;
  readonly message: string;
}

const STORE_REASONS: Readonly<Record<StoreErrorReason, SessionReason>> = {
  BucketNotFound: 'BucketNotFound',
  Forbidden: 'StorageForbidden',
  Unreachable: 'StorageUnreachable',
  Ambiguous: 'StorageUnreachable',
  Aborted: 'StorageUnreachable',
  Corrupt: 'WorkspaceCorrupt',
  NotFound: 'WorkspaceCorrupt',
  Exists: 'InternalError',
  Changed: 'InternalError',
  Failed: 'InternalError',
};

const HOME_REASONS: Readonly<Record<HomeErrorReason, SessionReason>> = {
  Fenced: 'Fenced',
  Corrupt: 'WorkspaceCorrupt',
  RestoreRefused: 'RestoreRefused',
  DiskFull: 'NodeDiskFull',
  NotRestored: 'InternalError',
  NotQuiet: 'InternalError',
};

/** The status message field ends at 4096 characters; errors of a loop of retries stay well below. */
const LONGEST_MESSAGE = 1000;

export const describeFailure = (thrown: unknown): SessionFailure => ({
  reason: reasonOf(thrown),
  message: errorMessage(thrown).slice(0, LONGEST_MESSAGE),
});

const reasonOf = (thrown: unknown): SessionReason => {
  if (isStoreError(thrown)) return STORE_REASONS[thrown.reason];
  if (isHomeError(thrown)) return HOME_REASONS[thrown.reason];
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'NodeDiskFull' : 'InternalError';
};

/**
 * True when the home can never be committed to HEAD again: another writer has it, or the engine's own state is gone. It
 * is then stored below `conflicts/`, whole.
 */
export const needsConflict = (thrown: unknown): boolean => isHomeError(thrown, 'Fenced', 'NotRestored');

/** What a session that ended otherwise than in HEAD shows for as long as it is looked at. */
export const describeEvent = (event: SessionEvent): SessionFailure | undefined => {
  if (event.kind === 'overtaken') {
    return { reason: 'Fenced', message: 'HEAD in the bucket has a newer epoch than this one; nothing was restored' };
  }
  if (event.kind !== 'conflictSaved') return undefined;
  return {
    reason: 'Fenced',
    message: `HEAD in the bucket is another writer's; the home was stored as ${event.manifest}`,
  };
};
