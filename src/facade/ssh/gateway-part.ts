import type { KeyObject } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
// CommonJS, whose names an ES module does not see.
import ssh2 from 'ssh2';
import type { Part } from '../../runtime/manager.ts';
import { type ConnectionDependencies, serveConnection } from './connection.ts';
import { privateKeyPem } from './openssh-key.ts';
import { makeUnknownClients } from './unknown-clients.ts';

export interface SshGatewayOptions extends ConnectionDependencies {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Ed25519. */
  readonly hostKey: KeyObject;
  /** Milliseconds that connections get to end by themselves when the gateway stops. */
  readonly drainMs: number;
}

export interface SshGatewayPart extends Part {
  readonly address: () => AddressInfo;
  readonly connections: () => number;
}

/** Milliseconds until a client has to be known. */
const HANDSHAKE_MS = 30_000;
const MAX_CONNECTIONS = 1000;
/** After this much silence a client is asked whether it is still there, so many times. */
const KEEPALIVE_MS = 30_000;
const KEEPALIVES = 4;

/** What OpenSSH clients of the last ten years have, fastest first; nothing with SHA-1, CBC or RC4. */
const ALGORITHMS: ssh2.Algorithms = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384'],
  serverHostKey: ['ssh-ed25519'],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes256-ctr',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
};

/** The SSH server in front of all sandboxes. A key leads into the one sandbox that it was made for (./grant.ts). */
export const sshGatewayPart = (options: SshGatewayOptions): SshGatewayPart => {
  const { host, port, hostKey, drainMs, clock, log } = options;
  const sockets = new Map<string, Socket>();
  const unknown = makeUnknownClients();

  const server = new ssh2.Server({
    hostKeys: [privateKeyPem(hostKey, 'matrx-sandbox')],
    algorithms: ALGORITHMS,
    ident: 'matrx-sandbox',
    keepaliveInterval: KEEPALIVE_MS,
    keepaliveCountMax: KEEPALIVES,
  });
  const known = new WeakMap<Socket, () => void>();
  server.on('connection', (connection, { ip, port: remotePort }) => {
    const socket = sockets.get(peer(ip, remotePort));
    if (socket === undefined) {
      // Gone already. An error that nobody hears would be the process's end.
      connection.on('error', () => undefined);
      connection.end();
      return;
    }
    const client = log.child({ client_ip: ip });
    serveConnection(connection, socket, { ...options, log: client }, () => known.get(socket)?.());
  });
  server.on('error', (error: unknown) => log.error({ err: error }, 'SSH server failed'));

  const take = (socket: Socket): void => {
    const giveBack = sockets.size >= MAX_CONNECTIONS ? undefined : unknown.take(socket.remoteAddress ?? '');
    if (giveBack === undefined) {
      const about = { client_ip: socket.remoteAddress, connections: sockets.size, unknown: unknown.count() };
      log.warn(about, 'SSH connection refused');
      socket.destroy();
      return;
    }
    const name = peer(socket.remoteAddress, socket.remotePort);
    sockets.set(name, socket);
    const settled = new AbortController();
    const settle = (): void => {
      if (settled.signal.aborted) return;
      settled.abort();
      giveBack();
    };
    known.set(socket, settle);
    clock.sleep(HANDSHAKE_MS, settled.signal).then(
      () => socket.destroy(),
      () => undefined,
    );
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      settle();
      sockets.delete(name);
    });
    server.injectSocket(socket);
  };
  // A server of our own in front, so that a client that says nothing at all is known too.
  const listener = createServer(take);

  let drained: Promise<void> | undefined;
  const drain = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
    const over = new AbortController();
    const late = clock.sleep(drainMs, over.signal).catch(() => undefined);
    await Promise.race([closed, late]);
    over.abort();
    for (const socket of sockets.values()) socket.destroy();
    await closed;
  };

  return {
    name: 'SSH gateway',
    address: () => listener.address() as AddressInfo,
    connections: () => sockets.size,
    start: async ({ signal }) => {
      await new Promise<void>((resolve, reject) => {
        listener.once('error', reject);
        listener.listen(port, host, resolve);
      });
      log.info(listener.address() as AddressInfo, 'SSH gateway listens');
      // Beside the other parts, which stop one after the other: what is open here may take all of the time.
      const begin = (): void => {
        drained ??= drain();
      };
      signal.addEventListener('abort', begin, { once: true });
    },
    stop: async () => {
      if (listener.listening || drained !== undefined) await (drained ??= drain());
    },
  };
};

const peer = (ip: string | undefined, port: number | undefined): string => `${ip ?? ''} ${port ?? 0}`;
