import type { Socket } from 'node:net';
import type { Connection } from 'ssh2';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { Log } from '../../telemetry/log.ts';
import type { DaemonConnections } from '../daemon/connections.ts';
import { unreachable } from '../daemon/daemon-problem.ts';
import type { DaemonProcesses } from '../daemon/processes.ts';
import { sandboxNotFound } from '../problem.ts';
import { runningSandbox } from '../running-sandbox.ts';
import type { SandboxCache } from '../sandbox-cache.ts';
import { fingerprint } from './access-key.ts';
import { authenticate, MAX_TRIES } from './authenticate.ts';
import type { ChannelContext } from './channel-context.ts';
import { forwardPort, isForSandbox } from './forward-port.ts';
import { type Grant, grantEnd } from './grant.ts';
import { serveSession } from './serve-session.ts';

export interface ConnectionDependencies {
  readonly cache: Pick<SandboxCache, 'get' | 'list' | 'subscribe'>;
  readonly daemons: Pick<DaemonConnections, 'tunnel'>;
  readonly processes: DaemonProcesses;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** VS Code opens one for each port it looks at. */
const MAX_CHANNELS = 128;
/** A connection without any channel is of no use to anybody. */
const IDLE_MS = 600_000;

/**
 * Serves one client, whose handshake has begun on `socket`:
 *
 *     unknown   until it has proven to hold a key; `onReady` tells the gateway, who gives it a limited time for that
 *     open      its channels are served, for the one sandbox that its key opens
 *     ended     its key was revoked or has expired, its sandbox stopped, it was idle, or it left
 */
export const serveConnection = (
  connection: Connection,
  socket: Socket,
  dependencies: ConnectionDependencies,
  onReady: () => void,
): void => {
  const { cache, daemons, processes, clock, random } = dependencies;
  const ended = new AbortController();
  let { log } = dependencies;
  let grant: Grant | undefined;
  let tries = 0;
  let channels = 0;
  let idle: AbortController | undefined;

  const end = (reason: string): void => {
    if (ended.signal.aborted) return;
    log.info({ reason }, 'SSH connection ended');
    ended.abort(new Error(reason));
    connection.end();
    // A peer that has vanished never answers.
    socket.destroySoon();
  };

  const watchIdle = (): void => {
    idle?.abort();
    idle = undefined;
    if (channels > 0 || ended.signal.aborted) return;
    idle = new AbortController();
    clock.sleep(IDLE_MS, idle.signal).then(
      () => end('nothing was asked of it'),
      () => undefined,
    );
  };
  const countChannel = (channel: { readonly once: (event: 'close', listener: () => void) => unknown }): void => {
    channels += 1;
    watchIdle();
    channel.once('close', () => {
      channels -= 1;
      watchIdle();
    });
  };

  const open = (given: Grant): void => {
    const { sandbox, userId, key } = given;
    log = log.child({ sandbox_id: sandbox, user_id: userId, key_id: key.id, fingerprint: fingerprint(key) });
    log.info({}, 'SSH connection opened');
    const check = (): void => {
      const why = grantEnd(given, cache.get(sandbox), clock.now());
      if (why !== undefined) end(why);
    };
    ended.signal.addEventListener('abort', cache.subscribe(sandbox, check), { once: true });
    clock.sleep(Math.max(0, Date.parse(key.expiresAt) - clock.now()), ended.signal).then(check, () => undefined);
    ended.signal.addEventListener('abort', () => idle?.abort(), { once: true });
    watchIdle();
    check();
  };

  const context: ChannelContext = {
    daemons,
    processes,
    socket,
    ended: ended.signal,
    addresses: [socket.remoteAddress, socket.remotePort, socket.localAddress, socket.localPort].join(' '),
    newId: () => `ssh-${random.hex(16)}`,
    target: () => {
      const name = grant?.sandbox ?? '';
      const sandbox = cache.get(name);
      if (sandbox === undefined) throw sandboxNotFound(name);
      const { daemon } = runningSandbox(sandbox);
      if (daemon === undefined) throw unreachable(name);
      return daemon;
    },
    get log() {
      return log;
    },
  };

  connection.on('authentication', (attempt) => {
    const proven = authenticate(attempt, cache, clock.now());
    if (proven !== undefined) grant = proven;
    else if ((tries += 1) > MAX_TRIES) end('it tried too many keys');
  });
  connection.on('ready', () => {
    if (grant === undefined) return end('nobody knows who it is');
    onReady();
    open(grant);
  });
  connection.on('session', (accept, reject) => {
    if (channels >= MAX_CHANNELS) return reject();
    const session = accept();
    countChannel(session);
    serveSession(session, context, (kind) => log.info({ kind }, 'SSH session'));
  });
  connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
    if (channels >= MAX_CHANNELS || !isForSandbox(destIP, grant?.sandbox ?? '')) return reject();
    const opened = (): ReturnType<typeof accept> => {
      const channel = accept();
      channel.on('error', () => undefined);
      countChannel(channel);
      return channel;
    };
    void forwardPort(destPort, { accept: opened, reject }, context);
  });
  // Listening on the sandbox's side for the client is not possible; what else may be asked for is not, either.
  connection.on('request', (_accept, reject) => reject?.());
  connection.on('error', (error) => {
    log.debug({ err: error }, 'SSH connection failed');
    end('the connection failed');
  });
  connection.on('close', () => end('it was closed'));
};
