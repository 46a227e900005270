import { status, type sendUnaryData, type StatusObject, type ServerUnaryCall } from '@grpc/grpc-js';
import { CSI_DRIVER_NAME } from '../api/names.ts';
import { errorMessage } from '../base/errors.ts';
import type { Log } from '../telemetry/log.ts';
import { CSI_DESCRIPTOR, type NodePublishVolumeRequest, type NodeUnpublishVolumeRequest } from './csi-descriptor.ts';
import { CsiError, type CsiCode } from './csi-error.ts';
import type { GrpcService } from './grpc-socket.ts';

export interface CsiHandlers {
  readonly publish: (request: NodePublishVolumeRequest, signal: AbortSignal) => Promise<void>;
  readonly unpublish: (request: NodeUnpublishVolumeRequest, signal: AbortSignal) => Promise<void>;
}

export interface CsiServiceDeps extends CsiHandlers {
  readonly node: string;
  readonly version: string;
  readonly log: Log;
}

const GRPC_CODES: Readonly<Record<CsiCode, status>> = {
  InvalidArgument: status.INVALID_ARGUMENT,
  Unauthenticated: status.UNAUTHENTICATED,
  PermissionDenied: status.PERMISSION_DENIED,
  FailedPrecondition: status.FAILED_PRECONDITION,
  Unavailable: status.UNAVAILABLE,
  DeadlineExceeded: status.DEADLINE_EXCEEDED,
  Internal: status.INTERNAL,
};

/** The Identity and Node services of a driver without a controller: no attach, no staging, no capability. */
export const makeCsiServices = (deps: CsiServiceDeps): readonly GrpcService[] => [
  {
    name: 'csi.v1.Identity',
    descriptor: CSI_DESCRIPTOR,
    handlers: {
      GetPluginInfo: answerWith({ name: CSI_DRIVER_NAME, vendorVersion: deps.version }),
      GetPluginCapabilities: answerWith({}),
      Probe: answerWith({ ready: { value: true } }),
    },
  },
  {
    name: 'csi.v1.Node',
    descriptor: CSI_DESCRIPTOR,
    handlers: {
      NodeGetInfo: answerWith({ nodeId: deps.node }),
      NodeGetCapabilities: answerWith({}),
      NodePublishVolume: answerAfter('NodePublishVolume', deps.log, deps.publish),
      NodeUnpublishVolume: answerAfter('NodeUnpublishVolume', deps.log, deps.unpublish),
    },
  },
];

const answerWith =
  (response: object) =>
  (_call: unknown, answer: sendUnaryData<object>): void =>
    answer(null, response);

const answerAfter =
  <R extends { readonly volumeId: string; readonly targetPath: string }>(
    method: string,
    log: Log,
    work: (request: R, signal: AbortSignal) => Promise<void>,
  ) =>
  (call: ServerUnaryCall<R, object>, answer: sendUnaryData<object>): void => {
    void answerCall(method, log, call, work).then((error) => answer(error, {}));
  };

const answerCall = async <R extends { readonly volumeId: string; readonly targetPath: string }>(
  method: string,
  log: Log,
  call: ServerUnaryCall<R, object>,
  work: (request: R, signal: AbortSignal) => Promise<void>,
): Promise<Partial<StatusObject> | null> => {
  const gone = new AbortController();
  call.once('cancelled', () => gone.abort(new Error(`kubelet gave up on ${method}`)));
  // Never the whole request: it carries the pod's token.
  const callLog = log.child({ method, volume: call.request.volumeId, target: call.request.targetPath });
  try {
    await work(call.request, gone.signal);
    callLog.info('done');
    return null;
  } catch (error) {
    const code = error instanceof CsiError ? error.code : 'Unavailable';
    callLog.warn({ code, err: error }, 'not done');
    return { code: GRPC_CODES[code], details: errorMessage(error) };
  }
};
