import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

export interface GrpcService {
  /** Full name: `csi.v1.Node`. */
  readonly name: string;
  /** A protobuf descriptor that defines it. */
  readonly descriptor: object;
  readonly handlers: UntypedServiceImplementation;
}

export interface GrpcSocket {
  /** Takes no new call, waits for the running ones up to `graceMs` milliseconds, then cuts them; removes the socket. */
  readonly close: (graceMs: number) => Promise<void>;
}

/**
 * Serves gRPC on a UNIX socket. A socket file that a killed predecessor left is removed first; only root can reach the
 * folder (mode 0700 when made here). Rejects when the socket cannot be bound.
 */
export const serveGrpcSocket = async (socketPath: string, services: readonly GrpcService[]): Promise<GrpcSocket> => {
  await mkdir(path.dirname(socketPath), { recursive: true, mode: 0o700 });
  await rm(socketPath, { force: true });
  const server = new Server();
  for (const service of services) {
    // protobufjs' type of a descriptor demands a comment of every method; its code does not.
    const descriptor = service.descriptor as Parameters<typeof fromJSON>[0];
    const definition = fromJSON(descriptor, { defaults: true })[service.name];
    server.addService(definition as ServiceDefinition, service.handlers);
  }
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix://${socketPath}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  return {
    close: (graceMs) =>
      new Promise<void>((resolve) => {
        const cut = setTimeout(() => server.forceShutdown(), graceMs);
        server.tryShutdown(() => {
          clearTimeout(cut);
          resolve();
        });
      }),
  };
};
