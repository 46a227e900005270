import type { Clock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import { parseTraceparent } from '../base/traceparent.ts';
import type { ColdVolumes } from './cold/cold-volumes.ts';
import { publishCold } from './cold/publish-cold.ts';
import { CsiError, type CsiCode, isUnfinished } from './csi-error.ts';
import type { NodePublishVolumeRequest } from './csi-descriptor.ts';
import type { Mounts } from './mounts.ts';
import { parsePublish, type PublishRequest } from './publish-request.ts';
import type { Grant, RefusalReason } from './publish-verdict.ts';
import type { RecordRefusal } from './refusal-event.ts';
import type { SessionView } from './session-status.ts';
import type { Sessions } from './sessions.ts';
import { traceFields } from './trace-fields.ts';
import { verifyPublish, type VerifyDeps } from './verify-publish.ts';

export interface PublishDeps extends VerifyDeps {
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly cold: Pick<ColdVolumes, 'open'>;
  readonly mounts: Pick<Mounts, 'isMounted'>;
  readonly recordRefusal: RecordRefusal;
  readonly kubeletDir: string;
}

/** kubelet gives a call two minutes and then repeats it; answering before that lets it show the message. */
export const PUBLISH_WAIT_MS = 90_000;

/**
 * NodePublishVolume: proves whose pod it is, opens the session or joins the one that an earlier call began, waits until
 * the home is complete and mounts it; cold storage is mounted beside that, and not waited for. A restore that takes longer goes on by itself; kubelet's next call joins it.
 */
export const publishVolume = async (
  deps: PublishDeps,
  call: NodePublishVolumeRequest,
  signal: AbortSignal,
): Promise<void> => {
  const request = parsePublish(call, deps.kubeletDir);
  try {
    await publish(deps, request, signal);
  } catch (error) {
    if (!(error instanceof CsiError) || isUnfinished(error) || !(await deps.mounts.isMounted(request.target))) {
      throw error;
    }
    // A driver before this one, or a call that was cut, has mounted it: kubelet has to take it away again.
    throw new CsiError('Unavailable', error.message, error);
  }
};

const publish = async (deps: PublishDeps, request: PublishRequest, signal: AbortSignal): Promise<void> => {
  const grant = await verify(deps, request.token, signal);
  const span = deps.tracer?.current();
  span?.join(parseTraceparent(grant.traceparent));
  span?.note({ ...traceFields(grant), tier: request.tier });
  if (request.tier === 'cold') return publishCold(deps.cold, grant, request, signal);
  const session = await deps.sessions.open(grant, request);
  const isDecided = await session.until(isDecidedFor, PUBLISH_WAIT_MS, signal);
  if (!isDecided) throw unfinished(session.view());
  await session.attach(request.target);
  const { head } = session.view();
  span?.note({ files: head?.files, bytes: head?.bytes });
};

/** Open and whole, or never to be. */
const isDecidedFor = ({ record, ready }: SessionView): boolean =>
  record.state !== 'Restoring' && (record.state !== 'Open' || ready);

const verify = async (deps: PublishDeps, token: string, signal: AbortSignal): Promise<Grant> => {
  const { verdict, identity } = await verifyPublish(deps, token, signal).catch((error: unknown) => {
    throw new CsiError('Unavailable', `cannot check the pod with the API server: ${errorMessage(error)}`, error);
  });
  if (verdict.kind === 'granted') return verdict.value;
  if (verdict.kind === 'notYet') throw new CsiError('Unavailable', verdict.message);
  if (identity !== undefined) await deps.recordRefusal(identity, verdict);
  throw new CsiError(REFUSAL_CODES[verdict.reason], `${verdict.reason}: ${verdict.message}`);
};

const REFUSAL_CODES: Readonly<Record<RefusalReason, CsiCode>> = {
  TokenRejected: 'Unauthenticated',
  ForeignNamespace: 'PermissionDenied',
  PodNotFound: 'FailedPrecondition',
  OtherNode: 'PermissionDenied',
  NotASandboxPod: 'PermissionDenied',
  SandboxNotFound: 'PermissionDenied',
  NotTheSandboxsPod: 'PermissionDenied',
  NoWorkspace: 'FailedPrecondition',
  OtherUsersWorkspace: 'PermissionDenied',
  OtherWriter: 'PermissionDenied',
  SessionOver: 'FailedPrecondition',
};

const unfinished = (view: SessionView): CsiError => {
  const subject = `Workspace ${view.record.workspace}`;
  if (view.failure !== undefined) {
    return new CsiError(
      'Unavailable',
      `${subject} cannot be restored yet: ${view.failure.reason}: ${view.failure.message}`,
    );
  }
  return new CsiError('DeadlineExceeded', `${subject} is being restored: ${view.progress ?? 'waiting for its turn'}`);
};
