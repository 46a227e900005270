import { PassThrough } from 'node:stream';
import type { ServerChannel } from 'ssh2';
import type { ProcessEnd } from '../../sandboxd/protocol/process.ts';
import type { DaemonTarget } from '../daemon/connections.ts';
import { type ChannelContext, channelSignal, type Closable } from './channel-context.ts';
import { writeToChannel } from './channel-writes.ts';
import { sayProblem } from './say-problem.ts';
import { type SessionRequest, type SessionSettings, sessionProgram } from './session-program.ts';

/** A session's process, for what comes on its channel beside bytes. */
export interface RunningSession {
  readonly resize: (size: { readonly cols: number; readonly rows: number }) => void;
  readonly signal: (name: string) => void;
}

/** Milliseconds that the daemon gets to be told that a session is over. */
const FAREWELL_MS = 15_000;

/**
 * Runs what a session asks for, with the channel as its stdin, stdout and stderr, and ends the channel as the process
 * ends. When the client goes first, the process is hung up, as by sshd.
 */
export const runSession = (
  channel: ServerChannel,
  request: SessionRequest,
  settings: SessionSettings,
  context: ChannelContext & { readonly session: Closable },
): RunningSession => {
  const { processes, ended, log, session } = context;
  const program = sessionProgram(context.newId(), request, settings);
  const signal = channelSignal(ended, channel, session);
  let target: DaemonTarget | undefined;
  let started = false;

  /** What cannot be told any more to a process that has ended, needs not be. */
  const tell = (act: (at: DaemonTarget) => Promise<unknown>): void => {
    if (target !== undefined) act(target).catch(() => undefined);
  };

  const run = async (): Promise<void> => {
    try {
      const at = context.target();
      target = at;
      const frames = await processes.run(at, program, signal);
      started = true;
      sendInput(channel, at, program.id, context, signal);
      for await (const frame of frames) {
        if (frame.type === 'stdout' || frame.type === 'pty') {
          await writeToChannel(channel, frame.payload, { ...context, signal });
        } else if (frame.type === 'stderr') {
          await writeToChannel(channel.stderr, frame.payload, { ...context, signal });
        } else if (frame.type === 'end') {
          endChannel(channel, JSON.parse(frame.payload.toString('utf8')) as ProcessEnd);
          tell((daemon) => processes.remove(daemon, program.id, AbortSignal.timeout(FAREWELL_MS)));
          return;
        }
      }
      throw new Error('the output of the process broke off');
    } catch (error) {
      if (signal.aborted) {
        const farewell = AbortSignal.timeout(FAREWELL_MS);
        // Removing waits for one that is still being started.
        if (started) tell((daemon) => processes.kill(daemon, program.id, 'SIGHUP', farewell));
        else tell((daemon) => processes.remove(daemon, program.id, farewell));
        return;
      }
      log.warn({ err: error }, 'an SSH session broke off');
      sayProblem(channel, error);
    }
  };
  void run();

  return {
    resize: (size) => tell((daemon) => processes.resize(daemon, program.id, size, signal)),
    signal: (name) => tell((daemon) => processes.kill(daemon, program.id, name, signal)),
  };
};

/** Sends what comes on the channel to the process, as fast as it takes it, and then its end. */
const sendInput = (
  channel: ServerChannel,
  target: DaemonTarget,
  id: string,
  { processes }: ChannelContext,
  signal: AbortSignal,
): void => {
  // A stream in between: when the process reads no more, it is this one that is destroyed, and not the channel.
  const input = new PassThrough();
  channel.pipe(input);
  const send = async (): Promise<void> => {
    try {
      await processes.input(target, id, { offset: 0, stream: input }, signal);
      await processes.closeInput(target, id, signal);
    } catch {
      channel.unpipe(input);
      channel.resume();
    }
  };
  void send();
};

const endChannel = (channel: ServerChannel, { exitCode, signal }: ProcessEnd): void => {
  if (exitCode !== null) channel.exit(exitCode);
  else channel.exit((signal ?? 'SIGTERM').replace(/^SIG/, ''), false, '');
  channel.end();
};
