import path from 'node:path';
import { credentials, makeClientConstructor, type Client, type ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { CSI_DESCRIPTOR } from '../../../src/node/csi-descriptor.ts';
import { REGISTRATION_DESCRIPTOR } from '../../../src/node/registration-descriptor.ts';

export interface CsiClient {
  /** Rejects with grpc-js's ServiceError: `code` and `details`. */
  readonly call: (method: string, request?: object) => Promise<Record<string, unknown>>;
  readonly close: () => void;
}

/** Talks to one service on a UNIX socket, as kubelet does. */
export const connectCsi = (socketPath: string, service: string): CsiClient => {
  const descriptor = service.startsWith('csi.') ? CSI_DESCRIPTOR : REGISTRATION_DESCRIPTOR;
  const definition = fromJSON(descriptor as Parameters<typeof fromJSON>[0], { defaults: true })[service];
  const make = makeClientConstructor(definition as ServiceDefinition, service);
  const client = new make(`unix://${path.resolve(socketPath)}`, credentials.createInsecure());
  type Unary = (request: object, done: (error: Error | null, answer: Record<string, unknown>) => void) => void;
  return {
    call: (method, request = {}) =>
      new Promise((resolve, reject) => {
        const unary = (client as unknown as Record<string, Unary>)[method];
        if (unary === undefined) throw new Error(`${service} has no ${method}`);
        unary.call(client, request, (error, answer) => (error === null ? resolve(answer) : reject(error)));
      }),
    close: () => (client as Client).close(),
  };
};
