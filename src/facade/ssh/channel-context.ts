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

/** A channel, or a session: its client has closed it, whatever of it is still to be read. */
export interface Closable {
  readonly once: (event: 'close', listener: () => void) => unknown;
}

/** A signal that aborts with the connection, or when any of what was opened in it is closed, whichever comes first. */
export const channelSignal = (ended: AbortSignal, ...opened: readonly Closable[]): AbortSignal => {
  const controller = new AbortController();
  const end = (): void => {
    ended.removeEventListener('abort', end);
    controller.abort(new Error('the channel is closed'));
  };
  for (const one of opened) one.once('close', end);
  if (ended.aborted) end();
  else ended.addEventListener('abort', end, { once: true });
  return controller.signal;
};
