import { json } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { systemRandom } from '../../base/random.ts';
import type { Frame } from '../../sandboxd/protocol/frames.ts';
import type { ProcessInfo, PtySize, StartProcess } from '../../sandboxd/protocol/process.ts';
import type { DaemonConnections, DaemonTarget } from './connections.ts';
import { readFrames } from './read-frames.ts';

/** The process API of a sandbox's daemon (src/sandboxd/protocol/process.ts). Throws what DaemonConnections throws. */
export interface DaemonProcesses {
  /**
   * Starts it and reads it from the first byte on. Leaving the loop, or the signal, ends the reading, not the process. A
   * frame counts as arrived when the next is asked for: what was not asked for is still there for whoever reads next.
   */
  readonly run: (target: DaemonTarget, start: StartProcess, signal: AbortSignal) => Promise<AsyncGenerator<Frame>>;
  readonly start: (target: DaemonTarget, start: StartProcess, signal: AbortSignal) => Promise<ProcessInfo>;
  readonly output: (
    target: DaemonTarget,
    id: string,
    from: { readonly cursor: number; readonly follow: boolean },
    signal: AbortSignal,
  ) => Promise<AsyncGenerator<Frame>>;
  readonly list: (target: DaemonTarget, signal: AbortSignal) => Promise<readonly ProcessInfo[]>;
  readonly get: (target: DaemonTarget, id: string, signal: AbortSignal) => Promise<ProcessInfo>;
  /**
   * Sends input that begins at byte `offset` of all input, or behind all of it; resolves with how many bytes were taken
   * in all.
   */
  readonly input: (
    target: DaemonTarget,
    id: string,
    input: { readonly offset: number | undefined; readonly stream: Readable },
    signal: AbortSignal,
  ) => Promise<number>;
  readonly closeInput: (target: DaemonTarget, id: string, signal: AbortSignal) => Promise<void>;
  /** `SIGTERM` and the like, to the process group. */
  readonly kill: (target: DaemonTarget, id: string, name: string, signal: AbortSignal) => Promise<void>;
  readonly resize: (target: DaemonTarget, id: string, size: PtySize, signal: AbortSignal) => Promise<void>;
  /** Kills it if it still runs, and forgets it. */
  readonly remove: (target: DaemonTarget, id: string, signal: AbortSignal) => Promise<void>;
}

const PATH = '/matrx/processes';

export const makeDaemonProcesses = ({ request }: Pick<DaemonConnections, 'request'>): DaemonProcesses => {
  const of = (id: string, more = ''): string => `${PATH}/${encodeURIComponent(id)}${more}`;
  const post = async (target: DaemonTarget, path: string, body: unknown, signal: AbortSignal): Promise<void> => {
    (await request(target, { method: 'POST', path, body: { json: body }, signal })).resume();
  };
  const acknowledge = (
    target: DaemonTarget,
    { id, reader, cursor }: { readonly id: string; readonly reader: string; readonly cursor: number },
    signal: AbortSignal,
  ): Promise<void> => post(target, of(id, `/output/acknowledge?reader=${reader}&cursor=${cursor}`), {}, signal);
  return {
    run: async (target, start, signal) => {
      const reader = systemRandom.hex(8);
      const path = `${PATH}?attach=1&reader=${reader}`;
      return readFrames(await request(target, { method: 'POST', path, body: { json: start }, signal }), (id, cursor) =>
        acknowledge(target, { id, reader, cursor }, signal),
      );
    },
    start: async (target, start, signal) =>
      (await json(await request(target, { method: 'POST', path: PATH, body: { json: start }, signal }))) as ProcessInfo,
    output: async (target, id, { cursor, follow }, signal) => {
      const reader = systemRandom.hex(8);
      const path = of(id, `/output?cursor=${cursor}${follow ? `&reader=${reader}` : '&follow=0'}`);
      return readFrames(await request(target, { method: 'GET', path, signal }), (_id, acknowledged) =>
        acknowledge(target, { id, reader, cursor: acknowledged }, signal),
      );
    },
    list: async (target, signal) => {
      const answer = (await json(await request(target, { method: 'GET', path: PATH, signal }))) as {
        readonly processes: readonly ProcessInfo[];
      };
      return answer.processes;
    },
    get: async (target, id, signal) =>
      (await json(await request(target, { method: 'GET', path: of(id), signal }))) as ProcessInfo,
    input: async (target, id, { offset, stream }, signal) => {
      const path = of(id, offset === undefined ? '/input' : `/input?offset=${offset}`);
      const answer = (await json(await request(target, { method: 'POST', path, body: { stream }, signal }))) as {
        readonly offset: number;
      };
      return answer.offset;
    },
    closeInput: (target, id, signal) => post(target, of(id, '/input/close'), {}, signal),
    kill: (target, id, name, signal) => post(target, of(id, '/signal'), { signal: name }, signal),
    resize: (target, id, size, signal) => post(target, of(id, '/resize'), size, signal),
    remove: async (target, id, signal) => {
      (await request(target, { method: 'DELETE', path: of(id), signal })).resume();
    },
  };
};
