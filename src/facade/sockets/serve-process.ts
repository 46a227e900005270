import type { Frame } from '../../sandboxd/protocol/frames.ts';
import { daemonProblem } from '../daemon/daemon-problem.ts';
import type { DaemonTarget } from '../daemon/connections.ts';
import type { DaemonProcesses } from '../daemon/processes.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { toResponse } from '../middleware/answer-problems.ts';
import { type Problem, ProblemError } from '../problem.ts';
import { followOutput } from '../processes/follow-output.ts';
import type { UpgradeRequest } from '../route.ts';
import { type Channel, openChannel, type SocketMessage } from './channel.ts';
import { closeForProblem, ENDED, RESTARTING } from './close-code.ts';
import { parseControlMessage, parseText } from './control-message.ts';
import { openProcessInput, type ProcessInput } from './process-input.ts';

/** A process that a WebSocket carries, once it is known which. */
export interface CarriedProcess {
  readonly id: string;
  /** The bytes of output before the first frame. */
  readonly offset: number;
  /** The bytes of input that were sent before; undefined: what is sent comes behind that of others. */
  readonly inputOffset: number | undefined;
  readonly frames: AsyncIterable<Frame>;
  /** What a frame becomes for the client: bytes, or what is said in a text message. */
  readonly present: (frame: Frame) => readonly (Buffer | object)[];
}

export interface ProcessSocketOptions {
  readonly sandbox: string;
  readonly target: DaemonTarget;
  /** `query`: the address says which process it is; `message`: the client's first message does. */
  readonly askedBy: 'query' | 'message';
  readonly begin: (asked: unknown) => Promise<CarriedProcess>;
}

type SocketDependencies = FacadeDependencies & { readonly processes: DaemonProcesses };

/**
 * Carries a process over a WebSocket: binary messages are bytes for its input, text messages are JSON and steer it, and
 * what it writes goes to the client as `present` says. It ends with the process (1000), with a problem, which is said in
 * a message before (4000 and its status), with what let the client in, in the same way, or with this server (1012). The
 * end of the connection ends no process.
 */
export const serveProcess = async (
  dependencies: SocketDependencies,
  asked: UpgradeRequest,
  { sandbox, target, askedBy, begin }: ProcessSocketOptions,
): Promise<void> => {
  const { processes, clock } = dependencies;
  const { signal } = asked.state;
  const request = Promise.withResolvers<unknown>();
  let input: ProcessInput | undefined;
  const running = Promise.withResolvers<string>();
  // Told to the client by the one who waits for the process.
  running.promise.catch(() => undefined);
  let isAsked = askedBy === 'query';
  if (isAsked) request.resolve(undefined);

  const onMessage = async ({ binary, data }: SocketMessage, channel: Channel): Promise<void> => {
    try {
      if (!isAsked) {
        request.resolve(parseText(data));
        isAsked = true;
        return;
      }
      const control = binary ? undefined : parseControlMessage(data);
      const id = await running.promise;
      if (control === undefined) return await input?.write(data);
      if (control.type === 'close_input') return await input?.end();
      if (control.type === 'resize') return await processes.resize(target, id, control, signal);
      await processes.kill(target, id, control.signal, signal);
    } catch (error) {
      const problem = problemOf(error);
      await say(channel, problem);
      // What the daemon refuses may be a matter of time: it has just ended. What the client should not send is not.
      if (problem.status === 422 || problem.status === 400) channel.close(closeForProblem(problem));
    }
  };
  const problemOf = (error: unknown): Problem => toResponse(daemonProblem(error, sandbox)).problem;

  const channel = await openChannel(asked, clock, onMessage);
  try {
    const process = await begin(await untilAborted(request.promise, signal));
    const { id } = process;
    input = openProcessInput(processes, { target, id, offset: process.inputOffset }, signal, (error) => {
      void say(channel, problemOf(error));
    });
    running.resolve(id);
    for await (const frame of followOutput(dependencies, { target, ...process }, signal)) {
      // A client that reads nothing stays no longer than one that reads.
      for (const message of process.present(frame)) await untilAborted(channel.send(message), signal);
    }
    channel.close(ENDED);
  } catch (error) {
    running.reject(error);
    if (channel.closed.aborted) return;
    if (signal.aborted) return closeForAbort(channel, signal.reason);
    const problem = problemOf(error);
    if (problem.status >= 500) asked.state.log.error({ err: error, sandbox_id: sandbox }, problem.title);
    await say(channel, problem);
    channel.close(closeForProblem(problem));
  }
};

/** Its client may read nothing: what is said goes out in order, and is not waited for. */
const closeForAbort = (channel: Channel, reason: unknown): void => {
  if (!(reason instanceof ProblemError)) return channel.close(RESTARTING);
  void say(channel, reason.problem);
  channel.close(closeForProblem(reason.problem));
};

const say = (channel: Channel, problem: Problem): Promise<void> =>
  channel.send({ ...problem, type: 'problem', problem: problem.type }).catch(() => undefined);

const untilAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
