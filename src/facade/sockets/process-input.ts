import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import type { DaemonTarget } from '../daemon/connections.ts';
import type { DaemonProcesses } from '../daemon/processes.ts';

/** The standard input of a process, as one request that lasts as long as the client sends. */
export interface ProcessInput {
  /** Resolves when there is room for more. */
  readonly write: (bytes: Buffer) => Promise<void>;
  /** Ends the process's input. */
  readonly end: () => Promise<void>;
}

/**
 * `offset`: how many bytes were sent before; undefined: they come behind whatever others send. `onRefused` hears once of an input that the process does not take (any
 * more); what is written from then on is dropped, as by a shell's pipe whose reader has gone.
 */
export const openProcessInput = (
  processes: Pick<DaemonProcesses, 'input' | 'closeInput'>,
  { target, id, offset }: { readonly target: DaemonTarget; readonly id: string; readonly offset: number | undefined },
  signal: AbortSignal,
  onRefused: (error: unknown) => void,
): ProcessInput => {
  let stream: PassThrough | undefined;
  let taken: Promise<unknown> = Promise.resolve();
  let refused = false;
  const open = (): PassThrough => {
    const opened = new PassThrough();
    stream = opened;
    taken = processes.input(target, id, { offset, stream: opened }, signal).catch((error: unknown) => {
      refused = true;
      opened.destroy();
      if (!signal.aborted) onRefused(error);
    });
    return opened;
  };
  return {
    write: async (bytes) => {
      if (refused || bytes.length === 0) return;
      const to = stream ?? open();
      if (to.write(bytes)) return;
      await Promise.race([once(to, 'drain', { signal }), once(to, 'close', { signal })]).catch(() => undefined);
    },
    end: async () => {
      stream?.end();
      await taken;
      if (!refused) await processes.closeInput(target, id, signal);
    },
  };
};

/** How many bytes of input a process has taken so far. */
export const inputTaken = (
  processes: Pick<DaemonProcesses, 'input'>,
  target: DaemonTarget,
  id: string,
  signal: AbortSignal,
): Promise<number> => processes.input(target, id, { offset: 0, stream: Readable.from([]) }, signal);
