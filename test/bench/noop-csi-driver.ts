import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import {
  CSI_DESCRIPTOR,
  type NodePublishVolumeRequest,
  type NodeUnpublishVolumeRequest,
} from '../../src/node/csi-descriptor.ts';
import { serveGrpcSocket } from '../../src/node/grpc-socket.ts';
import { REGISTRATION_DESCRIPTOR, type RegistrationStatus } from '../../src/node/registration-descriptor.ts';

export const NOOP_DRIVER_NAME = 'noop.bench.matrx.dev';

export interface NoopCsiDriver {
  /** Resolves when kubelet has said that it uses the driver. */
  readonly registered: Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * An inline CSI driver that does nothing but make the folder that kubelet mounts: what any inline CSI volume costs,
 * whatever is in it. It runs in this process, so this process must be root on the node.
 */
export const startNoopCsiDriver = async (kubeletDir: string, nodeName: string): Promise<NoopCsiDriver> => {
  const folder = join(kubeletDir, 'plugins', NOOP_DRIVER_NAME);
  const socketPath = join(folder, 'csi.sock');
  const registration = Promise.withResolvers<void>();

  const answerWith =
    (answer: object) =>
    (_call: unknown, respond: sendUnaryData<object>): void => {
      respond(null, answer);
    };
  const publish = (call: ServerUnaryCall<NodePublishVolumeRequest, object>, respond: sendUnaryData<object>): void => {
    mkdir(call.request.targetPath, { recursive: true, mode: 0o777 }).then(
      () => respond(null, {}),
      (error: Error) => respond(error),
    );
  };
  const unpublish = (
    call: ServerUnaryCall<NodeUnpublishVolumeRequest, object>,
    respond: sendUnaryData<object>,
  ): void => {
    rm(call.request.targetPath, { recursive: true, force: true }).then(
      () => respond(null, {}),
      (error: Error) => respond(error),
    );
  };
  const notify = (call: ServerUnaryCall<RegistrationStatus, object>, respond: sendUnaryData<object>): void => {
    if (call.request.pluginRegistered) registration.resolve();
    else registration.reject(new Error(`kubelet refused ${NOOP_DRIVER_NAME}: ${call.request.error}`));
    respond(null, {});
  };

  const csi = await serveGrpcSocket(socketPath, [
    {
      name: 'csi.v1.Identity',
      descriptor: CSI_DESCRIPTOR,
      handlers: {
        GetPluginInfo: answerWith({ name: NOOP_DRIVER_NAME, vendorVersion: '1' }),
        GetPluginCapabilities: answerWith({}),
        Probe: answerWith({ ready: { value: true } }),
      },
    },
    {
      name: 'csi.v1.Node',
      descriptor: CSI_DESCRIPTOR,
      handlers: {
        NodePublishVolume: publish,
        NodeUnpublishVolume: unpublish,
        NodeGetCapabilities: answerWith({}),
        NodeGetInfo: answerWith({ nodeId: nodeName }),
      },
    },
  ]);
  const registrar = await serveGrpcSocket(join(kubeletDir, 'plugins_registry', `${NOOP_DRIVER_NAME}-reg.sock`), [
    {
      name: 'pluginregistration.Registration',
      descriptor: REGISTRATION_DESCRIPTOR,
      handlers: {
        GetInfo: answerWith({
          type: 'CSIPlugin',
          name: NOOP_DRIVER_NAME,
          endpoint: socketPath,
          supportedVersions: ['1.0.0'],
        }),
        NotifyRegistrationStatus: notify,
      },
    },
  ]);
  return {
    registered: registration.promise,
    close: async () => {
      await registrar.close(1000);
      await csi.close(1000);
      await rm(folder, { recursive: true, force: true });
    },
  };
};
