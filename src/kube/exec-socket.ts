import type { ClientRequest, IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import { WebSocketHandler } from '@kubernetes/client-node/dist/web-socket-handler.js';
import type { ClusterCredentials } from './cluster-access.ts';
import type { KubeError } from './errors.ts';
import { statusError } from './status-error.ts';

/** The part of a `ws` socket that exec uses. */
export interface ExecSocket {
  readonly protocol: string;
  readonly send: (data: Uint8Array) => void;
  readonly close: (code?: number) => void;
  /** Drops the connection without the closing handshake. */
  readonly terminate: () => void;
  readonly on: ((event: 'close', listener: (code: number, reason: Buffer) => void) => void) &
    ((event: 'error', listener: (error: Error) => void) => void) &
    ((event: 'unexpected-response', listener: (request: ClientRequest, response: IncomingMessage) => void) => void);
}

export interface ExecSocketOptions {
  readonly server: string;
  readonly credentials: ClusterCredentials;
  readonly path: string;
  /** Ends the connection, at any stage. */
  readonly signal: AbortSignal;
  readonly onData: (channel: number, data: Buffer) => void;
  readonly now: number;
}

/**
 * A WebSocket to `pods/exec` on client-node's WebSocketHandler, which knows the channel protocols. What it lacks is
 * added here: TLS material that is current, the server's reason when it refuses to upgrade (the handler gives only
 * "Unexpected server response: 403"), and an end while connecting. Rejects with a KubeError or a network error.
 */
export const openExecSocket = async (options: ExecSocketOptions): Promise<ExecSocket> => {
  const { server, credentials, path, signal } = options;
  const refused = Promise.withResolvers<never>();

  // `finishRequest` is the `ws` option that hands out the socket before it is connected.
  const finishRequest = (request: ClientRequest, socket: ExecSocket): void => {
    socket.on('error', refused.reject);
    signal.addEventListener('abort', () => socket.terminate(), { once: true });
    socket.on('unexpected-response', (_request, response) => {
      const refuse = async (): Promise<void> => {
        refused.reject(await readRefusal(`exec ${path.split('?')[0]}`, response, options.now));
        // With a listener for this event, `ws` leaves the connection to the listener.
        request.destroy();
      };
      refuse().catch(refused.reject);
    });
    if (signal.aborted) socket.terminate();
    else request.end();
  };
  const config = {
    getCurrentCluster: () => ({ server }),
    applyToHTTPSOptions: (target: object) => {
      const { headers, tls } = credentials;
      // No agent: a refused connection would stay in Node's global pool, under this caller's credentials.
      Object.assign(target, { headers, ...tls, agent: false, finishRequest, perMessageDeflate: false });
      return Promise.resolve();
    },
  };
  // Its default streams are the process's own, which a close frame from the server would end.
  const deaf = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  const handler = new WebSocketHandler(config as unknown as KubeConfig, undefined, deaf);
  const connected = handler.connect(path, null, (channel, data) => {
    options.onData(channel, data);
    return true;
  }) as Promise<unknown>;
  return (await Promise.race([connected, refused.promise])) as ExecSocket;
};

const readRefusal = async (what: string, response: IncomingMessage, now: number): Promise<KubeError> => {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return statusError({
    what,
    code: response.statusCode ?? 0,
    body: Buffer.concat(chunks).toString('utf8'),
    retryAfter: response.headers['retry-after'],
    now,
  });
};
