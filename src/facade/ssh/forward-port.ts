import { once } from 'node:events';
import type { ServerChannel } from 'ssh2';
import { type ChannelContext, channelSignal } from './channel-context.ts';
import { writeToChannel } from './channel-writes.ts';

/** Names of the sandbox itself, as it may be called from inside; `localhost` comes from VS Code and `ssh -L`. */
const OWN_NAMES: readonly string[] = ['localhost', '127.0.0.1', '::1', '0.0.0.0', '::'];

/** Whether a forwarding is to the sandbox itself: on to other machines, the gateway leads nobody. */
export const isForSandbox = (host: string, sandbox: string): boolean => OWN_NAMES.includes(host) || host === sandbox;

/** Connects a channel (direct-tcpip) with a port inside of the sandbox. `accept` opens the channel once that stands. */
export const forwardPort = async (
  port: number,
  { accept, reject }: { readonly accept: () => ServerChannel; readonly reject: () => void },
  context: ChannelContext,
): Promise<void> => {
  const { daemons, ended, log } = context;
  // Of this forwarding alone: a listener on the connection's own signal would stay for as long as the connection.
  const opening = new AbortController();
  const giveUp = (): void => opening.abort(ended.reason);
  ended.addEventListener('abort', giveUp, { once: true });
  let tunnel;
  try {
    tunnel = await daemons.tunnel(context.target(), { path: `/matrx/ports/${port}`, signal: opening.signal });
  } catch (error) {
    log.debug({ err: error, port }, 'a port of the sandbox could not be reached');
    reject();
    return;
  } finally {
    ended.removeEventListener('abort', giveUp);
  }
  if (ended.aborted) {
    tunnel.destroy();
    return;
  }
  const channel = accept();
  const signal = channelSignal(ended, channel);
  signal.addEventListener('abort', () => tunnel.destroy(), { once: true });
  tunnel.on('error', () => channel.end());
  channel.pipe(tunnel);
  try {
    for await (const bytes of tunnel as AsyncIterable<Buffer>) {
      await writeToChannel(channel, bytes, { ...context, signal });
    }
    // The port has said all it has to say, and may still listen.
    channel.eof();
    if (!channel.readableEnded) await once(channel, 'end', { signal });
  } catch {
    // The client has gone, or the port's connection broke.
  } finally {
    tunnel.destroy();
    channel.end();
  }
};
