import { errorMessage } from '../../base/errors.ts';
import { CsiError } from '../csi-error.ts';
import type { Grant } from '../publish-verdict.ts';
import type { ColdVolume } from './cold-volume.ts';
import type { ColdVolumeRequest, ColdVolumes } from './cold-volumes.ts';

/** The one wait of a publish: for one small write to the API. */
const REPORT_MS = 20_000;
/** What ending the mount may take on top of the uploads. */
const END_MS = 15_000;

/**
 * Shows the pod a volume that cold storage is mounted in as soon as it can be: a sandbox starts with it or without. Only
 * that the Workspace's status speaks of it is waited for: from then on nobody gives the workspace to another before all
 * of it is in the bucket.
 */
export const publishCold = async (
  volumes: Pick<ColdVolumes, 'open'>,
  grant: Grant,
  request: ColdVolumeRequest,
  signal: AbortSignal,
): Promise<void> => {
  const volume = await volumes.open(grant, request);
  await volume.attach(request.target);
  const isKnown = await volume.known(REPORT_MS, signal).catch((error: unknown) => {
    throw new CsiError('Unavailable', `cold storage cannot be reported yet: ${errorMessage(error)}`, error);
  });
  if (isKnown) return;
  await volume.release();
  throw new CsiError('FailedPrecondition', `epoch ${grant.epoch} of Workspace ${grant.workspace} is over`);
};

/** The containers are dead: waits a while for what they wrote to be uploaded; the rest stays on this node and is sent later. */
export const unpublishCold = async (volume: ColdVolume, saveWaitMs: number, signal: AbortSignal): Promise<void> => {
  await volume.release();
  if (await volume.until(({ detached }) => detached, saveWaitMs + END_MS, signal)) return;
  throw new CsiError('Unavailable', 'cold storage is not unmounted yet');
};
