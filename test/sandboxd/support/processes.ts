import { afterEach } from '@jest/globals';
import { systemClock } from '../../../src/base/clock.ts';
import { type DaemonTarget, makeDaemonConnections } from '../../../src/facade/daemon/connections.ts';
import { type DaemonProcesses, makeDaemonProcesses } from '../../../src/facade/daemon/processes.ts';
import { cursorAfter, type Frame } from '../../../src/sandboxd/protocol/frames.ts';
import type { ProcessEnd, ProcessInfo, StartProcess } from '../../../src/sandboxd/protocol/process.ts';
import { DAEMON_KEY, POD_UID, type TestDaemon } from './daemon.ts';

/** What came out of a process. */
export interface Outcome {
  readonly info: ProcessInfo;
  readonly stdout: string;
  readonly stderr: string;
  readonly pty: string;
  readonly end: ProcessEnd;
  readonly frames: readonly Frame['type'][];
}

export interface ProcessClient {
  readonly processes: DaemonProcesses;
  readonly target: DaemonTarget;
  /** Aborts when the test has gone on for too long. */
  readonly signal: AbortSignal;
  /** Runs to the end. `keep` is attached unless it is said. */
  readonly run: (start: Partial<StartProcess>) => Promise<Outcome>;
  /** Starts, and comes back with its first frame. */
  readonly start: (start: Partial<StartProcess>) => Promise<ProcessInfo>;
  readonly read: (id: string, cursor?: number) => Promise<Outcome>;
  readonly close: () => void;
}

const clients: ProcessClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

/** The facade's own client of the process API, for one daemon. */
export const processClient = ({ port }: Pick<TestDaemon, 'port'>): ProcessClient => {
  const connections = makeDaemonConnections({ privateKey: DAEMON_KEY, clock: systemClock, port });
  const processes = makeDaemonProcesses(connections);
  const target = { podIP: '127.0.0.1', podUid: POD_UID };
  const signal = AbortSignal.timeout(150_000);
  const client: ProcessClient = {
    processes,
    target,
    signal,
    run: async (start) => outcome(await processes.run(target, { keep: 'attached', ...start }, signal)),
    start: (start) => processes.start(target, { keep: 'attached', ...start }, signal),
    read: async (id, cursor = 0) => outcome(await processes.output(target, id, { cursor, follow: true }, signal)),
    close: connections.close,
  };
  clients.push(client);
  return client;
};

/** Reads to `end`. Throws where the stream is cut before it, or where a byte is missing or there twice. */
export const outcome = async (frames: AsyncIterable<Frame>): Promise<Outcome> => {
  const text = { stdout: '', stderr: '', pty: '' };
  const types: Frame['type'][] = [];
  let info: ProcessInfo | undefined;
  let cursor: number | undefined;
  for await (const frame of frames) {
    types.push(frame.type);
    if (cursor !== undefined && frame.offset !== cursor)
      throw new Error(`byte ${cursor} is followed by ${frame.offset}`);
    cursor = cursorAfter(frame);
    if (frame.type === 'stdout' || frame.type === 'stderr' || frame.type === 'pty') {
      text[frame.type] += frame.payload.toString('latin1');
    } else if (frame.type === 'start') info = JSON.parse(frame.payload.toString('utf8')) as ProcessInfo;
    else if (frame.type === 'end' && info !== undefined) {
      const end = JSON.parse(frame.payload.toString('utf8')) as ProcessEnd;
      return { info, ...text, end, frames: types };
    }
  }
  throw new Error('the stream ended before the process');
};

/** Asks again and again, until it is so. */
export const until = async <T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> => {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    if (performance.now() > deadline) throw new Error(`did not come true: ${holds.toString()}`);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
};
