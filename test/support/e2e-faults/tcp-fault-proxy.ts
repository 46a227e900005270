import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What happens to a connection: `pass` forwards it, `refuse` has nobody listening, `hang` accepts and never answers,
 * `reset` accepts and cuts with RST. Four ways in which a storage service is away, and clients meet each differently.
 */
export type ProxyMode = 'pass' | 'refuse' | 'hang' | 'reset';

export interface TcpFaultProxy {
  readonly port: number;
  /** Cuts every open connection, so that no kept-alive one escapes the new mode. */
  readonly setMode: (mode: ProxyMode) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A proxy on 127.0.0.1 in front of `target`, in mode `pass`. */
export const startTcpFaultProxy = async (target: {
  readonly host: string;
  readonly port: number;
}): Promise<TcpFaultProxy> => {
  let mode: ProxyMode = 'pass';
  const sockets = new Set<Socket>();

  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A cut connection is what this proxy is for.
    socket.on('error', () => socket.destroy());
  };

  const accept = (client: Socket): void => {
    track(client);
    if (mode === 'hang') return;
    if (mode !== 'pass') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(target.port, target.host);
    track(upstream);
    client.pipe(upstream).pipe(client);
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  };

  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };

  let server = await listenOnStablePort(accept);
  const port = portOf(server);

  const stopListening = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  };

  return {
    port,
    setMode: async (next) => {
      mode = next;
      if (next === 'refuse') {
        await stopListening();
        return;
      }
      cut();
      if (!server.listening) server = await listen(accept, port);
    },
    close: stopListening,
  };
};

/** Below both the ephemeral ports and Kubernetes' node ports, so that nobody takes the port while it is given up. */
const STABLE_PORTS = { first: 20_000, count: 10_000 } as const;

/** A server on a free port of 127.0.0.1 that it may give up and take again. */
const listenOnStablePort = async (accept: (socket: Socket) => void): Promise<Server> => {
  const start = process.pid % STABLE_PORTS.count;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = STABLE_PORTS.first + ((start + attempt) % STABLE_PORTS.count);
    try {
      return await listen(accept, port);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new Error(`no free port on 127.0.0.1 in 100 attempts from ${STABLE_PORTS.first + start}`);
};

const listen = async (accept: (socket: Socket) => void, port: number): Promise<Server> => {
  const server = createServer(accept);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

const portOf = (server: Server): number => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no TCP port');
  return address.port;
};
