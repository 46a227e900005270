import { DaemonError } from '../protocol/problem.ts';
import type { OutputReader } from './process-output.ts';

/**
 * The readers that acknowledge what has arrived, by the names they gave themselves. One that says nothing for a while is
 * gone: its machine may have vanished without a word, and its process would wait for it until TCP gives up.
 */
export interface NamedReaders {
  /** `onSilent` is called once it has been silent for so long. Returns what ends the watch. */
  readonly enter: (
    process: string,
    name: string,
    reader: OutputReader,
    silenceMs: number,
    onSilent: () => void,
  ) => () => void;
  /** Throws `not_found`. */
  readonly acknowledge: (process: string, name: string, cursor: number) => void;
}

export const makeNamedReaders = (): NamedReaders => {
  const readers = new Map<string, { readonly reader: OutputReader; readonly timer: NodeJS.Timeout }>();
  return {
    enter: (process, name, reader, silenceMs, onSilent) => {
      const key = `${process} ${name}`;
      if (readers.has(key)) throw new DaemonError('already_exists', `there is a reader ${name} already`);
      const timer = setTimeout(onSilent, silenceMs);
      timer.unref();
      readers.set(key, { reader, timer });
      return () => {
        clearTimeout(timer);
        readers.delete(key);
      };
    },
    acknowledge: (process, name, cursor) => {
      const found = readers.get(`${process} ${name}`);
      if (found === undefined) throw new DaemonError('not_found', `process ${process} has no reader ${name}`);
      found.timer.refresh();
      found.reader.acknowledge(cursor);
    },
  };
};
