import { DaemonError } from '../protocol/problem.ts';
import type { ChildInput } from './child.ts';

/**
 * A process's input, as bytes at offsets: what is sent twice, because a connection broke before anybody knew what had
 * arrived, is taken once. Pieces are taken one after another, also those of several connections.
 */
export interface ProcessInput {
  /**
   * The bytes of the input from `offset` on; resolves when the process's pipe has room for more. Throws DaemonErrors:
   * `out_of_range` where bytes before them are missing, `failed_precondition` where nobody reads them.
   */
  readonly take: (offset: number, bytes: Buffer, signal: AbortSignal) => Promise<void>;
  /** The bytes that come next, whatever came before. */
  readonly append: (bytes: Buffer, signal: AbortSignal) => Promise<void>;
  /** Behind all that was taken. */
  readonly close: () => Promise<void>;
  readonly taken: () => number;
}

export const makeProcessInput = (child: ChildInput | undefined): ProcessInput => {
  let taken = 0;
  let closing: Promise<void> | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const result = turn.then(act);
    turn = result.catch(() => undefined);
    return result;
  };

  const write = async (bytes: Buffer): Promise<void> => {
    if (child === undefined) throw new DaemonError('failed_precondition', 'the process was started without stdin');
    if (closing !== undefined) throw new DaemonError('failed_precondition', 'the stdin of the process is closed');
    taken += bytes.length;
    try {
      await child.write(bytes);
    } catch (cause) {
      throw new DaemonError('failed_precondition', 'the process does not read its stdin any more', cause);
    }
  };

  return {
    taken: () => taken,
    take: (offset, bytes, signal) =>
      inTurn(async () => {
        signal.throwIfAborted();
        if (offset > taken) {
          throw new DaemonError('out_of_range', `the input goes on at byte ${taken}; these begin at byte ${offset}`);
        }
        const fresh = bytes.subarray(Math.min(bytes.length, taken - offset));
        if (fresh.length > 0) await write(fresh);
      }),
    append: (bytes, signal) =>
      inTurn(async () => {
        signal.throwIfAborted();
        await write(bytes);
      }),
    close: () => {
      if (child === undefined) return Promise.resolve();
      closing ??= inTurn(() => child.end());
      return closing;
    },
  };
};
