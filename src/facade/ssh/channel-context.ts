import type { Socket } from 'node:net';
import type { Log } from '../../telemetry/log.ts';
import type { DaemonConnections, DaemonTarget } from '../daemon/connections.ts';
import type { DaemonProcesses } from '../daemon/processes.ts';

/** What the channels of one connection work with. */
export interface ChannelContext {
  readonly daemons: Pick<DaemonConnections, 'tunnel'>;
  readonly processes: DaemonProcesses;
  /** Where the sandbox runs now. Throws a ProblemError where it does not, or cannot be reached. */
  readonly target: () => DaemonTarget;
  readonly socket: Socket;
  /** Aborts when the connection ends. */
  readonly ended: AbortSignal;
  /** As SSH_CONNECTION has it: the client's address and port, the server's address and port. */
  readonly addresses: string;
  readonly newId: () => string;
  readonly log: Log;
}

/** A signal that aborts with the connection or with the channel, whichever ends first. */
export const channelSignal = (
  channel: { readonly once: (event: 'close', listener: () => void) => unknown },
  ended: AbortSignal,
): AbortSignal => {
  const controller = new AbortController();
  const end = (): void => {
    ended.removeEventListener('abort', end);
    controller.abort(new Error('the channel is closed'));
  };
  channel.once('close', end);
  if (ended.aborted) end();
  else ended.addEventListener('abort', end, { once: true });
  return controller.signal;
};
