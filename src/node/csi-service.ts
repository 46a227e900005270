import { status, type sendUnaryData, type StatusObject, type ServerUnaryCall } from '@grpc/grpc-js';
import { CSI_DRIVER_NAME } from '../api/names.ts';
import { errorMessage } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { noTracer, type Tracer } from '../base/tracer.ts';
import type { Log } from '../telemetry/log.ts';
import { CSI_DESCRIPTOR, type NodePublishVolumeRequest, type NodeUnpublishVolumeRequest } from './csi-descriptor.ts';
import { CsiError, type CsiCode } from './csi-error.ts';
import type { NodeMetrics } from './node-metrics.ts';
import type { GrpcService } from './grpc-socket.ts';

export interface CsiHandlers {
  readonly publish: (request: NodePublishVolumeRequest, signal: AbortSignal) => Promise<void>;
  readonly unpublish: (request: NodeUnpublishVolumeRequest, signal: AbortSignal) => Promise<void>;
}

export interface CsiServiceDeps extends CsiHandlers {
  readonly node: string;
  readonly version: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: NodeMetrics;
  /** Off unless given. */
  readonly tracer?: Tracer;
  /** Aborted when the driver stops: calls that wait are answered at once. */
  readonly stopping: AbortSignal;
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
      NodePublishVolume: answerAfter(deps, 'NodePublishVolume', deps.publish),
      NodeUnpublishVolume: answerAfter(deps, 'NodeUnpublishVolume', deps.unpublish),
    },
  },
];

const answerWith =
  (response: object) =>
  (_call: unknown, answer: sendUnaryData<object>): void =>
    answer(null, response);

interface VolumeCall {
  readonly volumeId: string;
  readonly targetPath: string;
}

const answerAfter =
  <R extends VolumeCall>(
    deps: CsiServiceDeps,
    method: string,
    work: (request: R, signal: AbortSignal) => Promise<void>,
  ) =>
  (call: ServerUnaryCall<R, object>, answer: sendUnaryData<object>): void => {
    void traceCall(deps, method, () => answerCall(deps, method, call, work)).then((error) => answer(error, {}));
  };

/**
 * One server span a call. Whose child it is, kubelet does not say: a publish finds out with the pod that asks (`join`), an
 * unpublish is the first of a trace.
 */
const traceCall = async <A extends Partial<StatusObject> | null>(
  { tracer = noTracer }: CsiServiceDeps,
  method: string,
  work: () => Promise<A>,
): Promise<A> => {
  const span = tracer.open(`csi.v1.Node/${method}`, {
    kind: 'server',
    parent: method === 'NodePublishVolume' ? 'awaited' : 'none',
    attributes: { 'rpc.system': 'grpc', 'rpc.service': 'csi.v1.Node', 'rpc.method': method },
  });
  const answer = await span.run(work);
  const code = answer?.code ?? status.OK;
  span.note({ 'rpc.grpc.status_code': code });
  span.end(code === status.OK ? undefined : status[code]);
  return answer;
};

/** Never rejects: what goes wrong is the answer. */
const answerCall = async <R extends VolumeCall>(
  deps: CsiServiceDeps,
  method: string,
  call: ServerUnaryCall<R, object>,
  work: (request: R, signal: AbortSignal) => Promise<void>,
): Promise<Partial<StatusObject> | null> => {
  const ended = new AbortController();
  const onStop = (): void => ended.abort(deps.stopping.reason);
  call.once('cancelled', () => ended.abort(new Error(`kubelet gave up on ${method}`)));
  deps.stopping.addEventListener('abort', onStop, { once: true });
  // Never the whole request: it carries the pod's token.
  const log = deps.log.child({ method, volume: call.request.volumeId, target: call.request.targetPath });
  const begun = deps.clock.monotonic();
  const finish = (code: CsiCode | 'OK', error: unknown): void => {
    const ms = deps.clock.monotonic() - begun;
    deps.metrics.called(method, code, ms);
    // Refused before it was known whose it is: a trace of its own, which the line then names.
    deps.tracer?.current()?.join(undefined);
    if (code === 'OK') log.info({ ms }, 'call done');
    else log.warn({ ms, code, err: error }, 'call not done');
  };
  try {
    deps.stopping.throwIfAborted();
    await work(call.request, ended.signal);
    finish('OK', undefined);
    return null;
  } catch (error) {
    const code = error instanceof CsiError ? error.code : 'Unavailable';
    finish(code, error);
    return { code: GRPC_CODES[code], details: errorMessage(error) };
  } finally {
    deps.stopping.removeEventListener('abort', onStop);
  }
};
