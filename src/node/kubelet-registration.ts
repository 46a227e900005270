import path from 'node:path';
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { CSI_DRIVER_NAME } from '../api/names.ts';
import type { Log } from '../telemetry/log.ts';
import { serveGrpcSocket, type GrpcSocket } from './grpc-socket.ts';
import { REGISTRATION_DESCRIPTOR, type RegistrationStatus } from './registration-descriptor.ts';

export interface KubeletRegistration {
  /** True once kubelet has said that it uses this driver. */
  readonly registered: () => boolean;
  readonly close: (graceMs: number) => Promise<void>;
}

/** Where the driver's CSI socket is: the same path for kubelet and for the driver. */
export const csiSocketPath = (kubeletDir: string): string =>
  path.join(kubeletDir, 'plugins', CSI_DRIVER_NAME, 'csi.sock');

/**
 * Puts the socket into kubelet's plugins_registry folder. kubelet watches the folder and scans it when it starts, so a
 * restart of either side registers anew with nothing to be done here.
 */
export const registerWithKubelet = async (deps: {
  readonly kubeletDir: string;
  readonly log: Log;
}): Promise<KubeletRegistration> => {
  let registered = false;
  const getInfo = (_call: unknown, answer: sendUnaryData<object>): void =>
    answer(null, {
      type: 'CSIPlugin',
      name: CSI_DRIVER_NAME,
      endpoint: csiSocketPath(deps.kubeletDir),
      supportedVersions: ['1.0.0'],
    });
  const notify = (call: ServerUnaryCall<RegistrationStatus, object>, answer: sendUnaryData<object>): void => {
    registered = call.request.pluginRegistered;
    if (registered) deps.log.info('kubelet has registered the driver');
    else deps.log.error({ error: call.request.error }, 'kubelet refused to register the driver');
    answer(null, {});
  };
  const socket: GrpcSocket = await serveGrpcSocket(
    path.join(deps.kubeletDir, 'plugins_registry', `${CSI_DRIVER_NAME}-reg.sock`),
    [
      {
        name: 'pluginregistration.Registration',
        descriptor: REGISTRATION_DESCRIPTOR,
        handlers: { GetInfo: getInfo, NotifyRegistrationStatus: notify },
      },
    ],
  );
  return { registered: () => registered, close: socket.close };
};
