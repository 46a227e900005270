import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../e2e/cluster.ts';

/**
 * A process in a sandbox that never stops writing: every 50 ms the next number, synced to disk, and every tenth time
 * a new file. It counts in memory, so a log without a gap was written by one process that was never restarted.
 */
const PROGRAM = `
import os, signal, sys, time
root = os.path.expanduser('~/writer')
os.makedirs(root + '/files')
log = os.open(root + '/log', os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o644)
stopped = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
number = 0
while not stopped:
    number += 1
    os.write(log, b'%08d\\n' % number)
    os.fsync(log)
    if number % 10 == 0:
        path = '%s/files/%08d' % (root, number)
        with open(path + '.part', 'wb') as file:
            file.write(b'%08d\\n' % number * 100)
            file.flush()
            os.fsync(file.fileno())
        os.rename(path + '.part', path)
    time.sleep(0.05)
`;

const LINE_BYTES = 9;
const FILE_EVERY = 10;

export interface Writer {
  /** How many numbers are on disk now. */
  readonly written: () => Promise<number>;
  /** Lets it finish its line and waits for its end; how many numbers it wrote in all. */
  readonly stop: () => Promise<number>;
}

/** Starts it in the sandbox, detached from the exec session. */
export const startWriter = async (cluster: Cluster, sandbox: string): Promise<Writer> => {
  const pid = await cluster.shell(sandbox, 'setsid nohup python3 -c "$1" > writer.out 2>&1 < /dev/null & echo $!', {
    args: [PROGRAM],
  });
  const written = async (): Promise<number> =>
    Number(await cluster.shell(sandbox, 'stat -c %s writer/log 2>/dev/null || echo 0')) / LINE_BYTES;
  return {
    written,
    stop: async () => {
      await cluster.shell(sandbox, 'kill -TERM "$1"; tail --pid="$1" -f /dev/null', { args: [pid.trim()] });
      return written();
    },
  };
};

/** What a home shows of the writer. */
export interface WriterState {
  /** The last number of the log. */
  readonly last: number;
  /** The numbers of the files. */
  readonly files: ReadonlySet<number>;
}

/**
 * Reads a restored home. Throws unless it is one that the writer could have been seen in: numbers from 1 without a gap
 * or a torn line, and whole files.
 */
export const readWriterState = async (home: string): Promise<WriterState> => {
  const root = join(home, 'writer');
  const log = await readFile(join(root, 'log'), 'latin1').catch(absentAs(''));
  const last = log.length / LINE_BYTES;
  const expected = Array.from({ length: Math.floor(last) }, (_, index) => line(index + 1)).join('');
  if (log !== expected) throw new Error(`${root}/log is not the numbers from 1 to ${last}: …${log.slice(-60)}`);

  const names = (await readdir(join(root, 'files')).catch(absentAs<string[]>([]))).filter(
    (name) => !name.endsWith('.part'),
  );
  for (const name of names) {
    const content = await readFile(join(root, 'files', name), 'latin1');
    if (content !== `${name}\n`.repeat(100)) throw new Error(`${root}/files/${name} is torn`);
  }
  return { last, files: new Set(names.map(Number)) };
};

/** Nothing of `earlier` is missing in `later`. */
export const holdsAllOf = (later: WriterState, earlier: WriterState): boolean =>
  later.last >= earlier.last && [...earlier.files].every((file) => later.files.has(file));

/** Everything that was on disk when `number` had been written is in it. */
export const reaches = ({ last, files }: WriterState, number: number): boolean => {
  // The file of the number itself is made a moment after the number.
  const before = Array.from({ length: Math.ceil(number / FILE_EVERY) }, (_, index) => index * FILE_EVERY).slice(1);
  return last >= number && before.every((file) => files.has(file));
};

const absentAs =
  <T>(value: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };

const line = (number: number): string => `${String(number).padStart(8, '0')}\n`;
