import type { Socket } from 'node:net';
import type { Connection } from 'ssh2';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Activity } from '../activity/activity.ts';
import type { DaemonConnections } from '../daemon/connections.ts';
import { unreachable } from '../daemon/daemon-problem.ts';
import type { DaemonProcesses } from '../daemon/processes.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { sandboxNotFound } from '../problem.ts';
import { runningSandbox } from '../running-sandbox.ts';
import type { SandboxCache } from '../sandbox-cache.ts';
import { fingerprint, type KeyJudge } from './access-key.ts';
import { authenticate, MAX_TRIES } from './authenticate.ts';
import type { ChannelContext } from './channel-context.ts';
import { guardFlood } from './flood-guard.ts';
import { forwardPort, isForSandbox } from './forward-port.ts';
import { type Grant, grantEnd, grantExpiry } from './grant.ts';
import { serveSession } from './serve-session.ts';

export interface ConnectionDependencies {
  readonly cache: Pick<SandboxCache, 'get' | 'list' | 'subscribe'>;
  readonly daemons: Pick<DaemonConnections, 'tunnel'>;
  readonly processes: DaemonProcesses;
  readonly activity: Pick<Activity, 'use'>;
  readonly keyRing?: FacadeDependencies['keyRing'];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** VS Code opens one for each port it looks at. */
const MAX_CHANNELS = 128;
/** A connection without any channel is of no use to anybody. */
const IDLE_MS = 600_000;
/** For the last words to be read. */
const FAREWELL_MS = 5000;
/** Beyond a key's end: a timer may be early. */
const LATE_MS = 20;

/**
 * Serves one client, whose handshake has begun on `socket`:
 *
 *     unknown   until it has proven to hold a key; `onReady` tells the gateway, who gives it a limited time for that
 *     open      its channels are served, for the one sandbox that its key opens
 *     ended     its key was revoked or has expired, or the API key behind it, its sandbox stopped, it was idle, or it left
 */
export const serveConnection = (
  connection: Connection,
  socket: Socket,
  dependencies: ConnectionDependencies,
  onReady: () => void,
): void => {
  const { cache, daemons, processes, activity, keyRing, clock, random } = dependencies;
  const judge = (): KeyJudge => ({ now: clock.now(), keyRing });
  const ended = new AbortController();
  let { log } = dependencies;
  let grant: Grant | undefined;
  let tries = 0;
  let channels = 0;
  let idle: AbortController | undefined;
  let expiry: AbortController | undefined;

  const end = (reason: string): void => {
    if (ended.signal.aborted) return;
    log.info({ reason }, 'SSH connection ended');
    ended.abort(new Error(reason));
    connection.end();
    socket.destroySoon();
    // A peer that reads nothing never gets to the end.
    const closed = new AbortController();
    if (socket.destroyed) return;
    socket.once('close', () => closed.abort());
    clock.sleep(FAREWELL_MS, closed.signal).then(
      () => socket.destroy(),
      () => undefined,
    );
  };
  const flood = guardFlood(socket, () => end('it sends more than it may, or reads nothing'));

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
  /** Counts a channel, or the attempt at one; returns what ends it. */
  const countChannel = (): (() => void) => {
    let counted = true;
    channels += 1;
    watchIdle();
    return () => {
      if (!counted) return;
      counted = false;
      channels -= 1;
      watchIdle();
    };
  };

  const open = (given: Grant): void => {
    const { sandbox, userId, key } = given;
    log = log.child({ sandbox_id: sandbox, user_id: userId, key_id: key.id, fingerprint: fingerprint(key) });
    log.info({}, 'SSH connection opened');
    const check = (): void => {
      const by = judge();
      const why = grantEnd(given, cache.get(sandbox), by);
      if (why !== undefined) return end(why);
      const expiresAt = grantExpiry(given, cache.get(sandbox), by);
      expiry?.abort();
      expiry = new AbortController();
      clock.sleep(Math.max(0, expiresAt - by.now) + LATE_MS, expiry.signal).then(check, () => undefined);
    };
    ended.signal.addEventListener('abort', cache.subscribe(sandbox, check), { once: true });
    if (keyRing !== undefined) ended.signal.addEventListener('abort', keyRing.subscribe(check), { once: true });
    ended.signal.addEventListener('abort', () => expiry?.abort(), { once: true });
    ended.signal.addEventListener('abort', () => idle?.abort(), { once: true });
    watchIdle();
    check();
    const opened = cache.get(sandbox);
    if (opened !== undefined) void activity.use(opened, ended.signal);
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
    const isProven = authenticate(attempt, cache, judge(), (proven) => {
      grant = proven;
    });
    if (!isProven && (tries += 1) > MAX_TRIES) end('it tried too many keys');
  });
  connection.on('ready', () => {
    if (grant === undefined) return end('nobody knows who it is');
    onReady();
    open(grant);
  });
  connection.on('session', (accept, reject) => {
    if (channels >= MAX_CHANNELS) return reject();
    const session = accept();
    session.once('close', countChannel());
    serveSession(session, context, (kind, channel) => {
      flood.watch(channel);
      log.info({ kind }, 'SSH session');
    });
  });
  connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
    if (channels >= MAX_CHANNELS || !isForSandbox(destIP, grant?.sandbox ?? '')) return reject();
    const done = countChannel();
    const opened = (): ReturnType<typeof accept> => {
      const channel = accept();
      channel.on('error', () => undefined);
      channel.once('close', done);
      flood.watch(channel);
      return channel;
    };
    const refused = (): void => {
      reject();
      done();
    };
    void forwardPort(destPort, { accept: opened, reject: refused }, context);
  });
  // Listening on the sandbox's side for the client is not possible; what else may be asked for is not, either.
  connection.on('request', (_accept, reject) => reject?.());
  connection.on('error', (error) => {
    log.debug({ err: error }, 'SSH connection failed');
    end('the connection failed');
  });
  connection.on('close', () => end('it was closed'));
};
