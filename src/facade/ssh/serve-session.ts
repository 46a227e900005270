import type { ServerChannel, Session } from 'ssh2';
import type { ChannelContext } from './channel-context.ts';
import { type RunningSession, runSession } from './run-session.ts';
import type { SessionRequest, SessionTerminal } from './session-program.ts';

const MAX_VARIABLES = 64;
const MAX_VALUE_CHARACTERS = 4096;
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const MAX_COMMAND_CHARACTERS = 100_000;
const TERM = /^[A-Za-z0-9.+_-]{0,64}$/;

/**
 * One session channel (RFC 4254, 6): terminal and variables first, then a shell, a command or sftp, once. Agent, X11 and
 * other subsystems are refused. `onStart` hears what was started.
 */
export const serveSession = (
  session: Session,
  context: ChannelContext,
  onStart: (kind: SessionRequest['kind'], channel: ServerChannel) => void,
): void => {
  const env: Record<string, string> = {
    SSH_CONNECTION: context.addresses,
    // bash reads ~/.bashrc for a command that comes by ssh, and knows it by this.
    SSH_CLIENT: context.addresses.split(' ').toSpliced(2, 1).join(' '),
  };
  let terminal: SessionTerminal | undefined;
  let running: RunningSession | undefined;

  const start = (accept: () => ServerChannel | undefined, request: SessionRequest): void => {
    const channel = accept();
    // There is one already: a second program on the same channel is nothing that a client may ask for.
    if (channel === undefined) return;
    onStart(request.kind, channel);
    // A channel whose connection breaks says so here, and to whoever reads or writes it.
    channel.on('error', () => undefined);
    channel.stderr.on('error', () => undefined);
    running = runSession(channel, request, { env, terminal }, { ...context, session });
  };

  // `accept` and `reject` are not there where the client wants no reply.
  session.on('env', (accept, reject, { key, val }) => {
    const isTaken =
      NAME.test(key) &&
      val.length <= MAX_VALUE_CHARACTERS &&
      !val.includes('\0') &&
      Object.keys(env).length < MAX_VARIABLES;
    if (!isTaken) return reject?.();
    env[key] = val;
    accept?.();
  });
  session.on('pty', (accept, reject, info) => {
    if (!TERM.test(info.term)) return reject?.();
    terminal = { term: info.term, ...sizeOf(info) };
    accept?.();
  });
  session.on('window-change', (accept, _reject, info) => {
    running?.resize(sizeOf(info));
    accept?.();
  });
  session.on('signal', (accept, _reject, { name }) => {
    running?.signal(`SIG${name}`);
    accept?.();
  });
  session.on('shell', (accept) => start(accept, { kind: 'shell' }));
  session.on('exec', (accept, reject, { command }) => {
    if (command.length > MAX_COMMAND_CHARACTERS || command.includes('\0')) return reject?.();
    start(accept, { kind: 'exec', command });
  });
  session.on('subsystem', (accept, reject, { name }) => {
    if (name !== 'sftp') return reject?.();
    start(accept, { kind: 'sftp' });
  });
};

/** Clients without a terminal of their own say 0. */
const sizeOf = ({ cols, rows }: { readonly cols: number; readonly rows: number }) => ({
  cols: within(cols, 80),
  rows: within(rows, 24),
});

const within = (value: number, otherwise: number): number => (value >= 1 && value <= 65_535 ? value : otherwise);
