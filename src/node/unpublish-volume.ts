import type { ColdVolumes } from './cold/cold-volumes.ts';
import { unpublishCold } from './cold/publish-cold.ts';
import type { NodeUnpublishVolumeRequest } from './csi-descriptor.ts';
import { CsiError } from './csi-error.ts';
import type { Mounts } from './mounts.ts';
import type { Tracer } from '../base/tracer.ts';
import { checkTarget } from './publish-request.ts';
import type { Sessions } from './sessions.ts';
import { traceFields } from './trace-fields.ts';

export interface UnpublishDeps {
  readonly sessions: Sessions;
  readonly cold: Pick<ColdVolumes, 'find'>;
  readonly mounts: Mounts;
  readonly kubeletDir: string;
  /** Milliseconds that a pod's end waits for its home to be saved. */
  readonly saveWaitMs: number;
  /** Off unless given. */
  readonly tracer?: Tracer;
}

/**
 * NodeUnpublishVolume: the containers are dead. Waits a while for the final commit, so that a pod that is gone is
 * usually a home that is saved; then lets the pod go in any case. What is not saved by then stays on this node with its
 * journal, and the session goes on saving it. A volume that nobody knows is unmounted if it is mounted.
 */
export const unpublishVolume = async (
  deps: UnpublishDeps,
  call: NodeUnpublishVolumeRequest,
  signal: AbortSignal,
): Promise<void> => {
  if (call.volumeId === '') throw new CsiError('InvalidArgument', 'the call has no volume id');
  const target = checkTarget(call.targetPath, deps.kubeletDir);
  const cold = deps.cold.find(call.volumeId);
  const session = deps.sessions.find(call.volumeId);
  const known = (cold ?? session)?.view().record;
  if (known !== undefined)
    deps.tracer?.current()?.note({ ...traceFields(known), tier: cold === undefined ? 'hot' : 'cold' });
  if (cold !== undefined) return unpublishCold(cold, deps.saveWaitMs, signal);
  if (session !== undefined) {
    await session.release();
    await session.until(({ record }) => record.stored, deps.saveWaitMs, signal);
  }
  await deps.mounts.unbind(target);
};
