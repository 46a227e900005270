import type { Clock } from '../base/clock.ts';
import { withDeadline } from '../base/deadline.ts';
import { makeBoundedBuffer } from './bounded-buffer.ts';
import { toKubeError } from './caller.ts';
import type { ExecOptions, ExecResult, ExecTarget, KubeClient } from './client.ts';
import type { ClusterCredentials } from './cluster-access.ts';
import { KubeError } from './errors.ts';
import { type ExecSocket, openExecSocket } from './exec-socket.ts';
import { exitCodeOf } from './exec-status.ts';
import { collectionPath, queryString } from './resource-path.ts';
import { PODS } from './resource-types.ts';

/** The channels of the v5.channel.k8s.io protocol: the first byte of each frame. */
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const STATUS = 3;
const CLOSE = 255;

export interface ExecDependencies {
  readonly server: string;
  readonly credentials: () => Promise<ClusterCredentials>;
  readonly clock: Clock;
}

/** KubeClient.exec. The end of the connection does not kill the command: the API server has no such message. */
export const makeExec =
  ({ server, credentials, clock }: ExecDependencies): KubeClient['exec'] =>
  async (target, options) => {
    const what = `exec ${target.command[0] ?? ''} in pod ${target.namespace}/${target.pod}`;
    const run = async (signal: AbortSignal): Promise<ExecResult> => {
      const ended = Promise.withResolvers<string>();
      // Nobody listens any more when sending stdin has failed.
      ended.promise.catch(() => undefined);
      const stdout = makeBoundedBuffer(options.maxBytes);
      const stderr = makeBoundedBuffer(options.maxBytes);
      const onData = (channel: number, data: Buffer): void => {
        if (channel === STDOUT) stdout.write(data);
        else if (channel === STDERR) stderr.write(data);
        // Every channel starts with an empty frame.
        else if (channel === STATUS && data.length > 0) ended.resolve(data.toString('utf8'));
      };
      const socket = await openExecSocket({
        server,
        credentials: await credentials(),
        path: execPath(target),
        signal,
        onData,
        now: clock.now(),
      });
      socket.on('close', (code) =>
        ended.reject(new KubeError('Unreachable', `${what}: closed (${code}) before the command ended`)),
      );
      try {
        if (target.stdin !== undefined) sendStdin(socket, target.stdin, what);
        const exitCode = exitCodeOf(what, await ended.promise);
        const truncated = stdout.truncated() || stderr.truncated();
        return { exitCode, stdout: stdout.content(), stderr: stderr.content(), truncated };
      } finally {
        socket.close(1000);
      }
    };
    return runOnce(clock, what, options, run);
  };

const runOnce = async (
  clock: Clock,
  what: string,
  { timeoutMs, signal }: ExecOptions,
  run: (signal: AbortSignal) => Promise<ExecResult>,
): Promise<ExecResult> => {
  try {
    return await withDeadline(clock, { what, ms: timeoutMs, signal }, run);
  } catch (error) {
    throw toKubeError(what, error, signal);
  }
};

const execPath = ({ namespace, pod, container, command, stdin }: ExecTarget): string =>
  `${collectionPath(PODS, namespace)}/${encodeURIComponent(pod)}/exec${queryString({
    container,
    command,
    stdin: stdin !== undefined,
    stdout: true,
    stderr: true,
    tty: false,
  })}`;

const sendStdin = (socket: ExecSocket, stdin: string, what: string): void => {
  if (socket.protocol !== 'v5.channel.k8s.io') {
    // Before v5 (Kubernetes 1.30) nothing but the end of the connection ends stdin: the command would wait for ever.
    throw new KubeError('BadRequest', `${what}: the server speaks ${socket.protocol}, which cannot end stdin`);
  }
  socket.send(Buffer.concat([Buffer.from([STDIN]), Buffer.from(stdin, 'utf8')]));
  socket.send(Buffer.from([CLOSE, STDIN]));
};
