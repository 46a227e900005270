import { spawn } from 'node:child_process';
import { HomeError } from './home.ts';

export interface TarProcess {
  /** Resolves when the chunk's buffer may be used for something else. */
  readonly write: (chunk: Buffer) => Promise<void>;
  /** Ends the archive and waits until everything is in place. Throws HomeError `DiskFull`, or what tar said. */
  readonly end: () => Promise<void>;
  /** Ends the process, whatever it is doing, and waits until it is gone. */
  readonly kill: () => Promise<void>;
}

/**
 * GNU tar unpacks what it is given into `folder`. It is used because it sets what Node's `fs` cannot: modification
 * times to the nanosecond (a double holds them to about 200 ns), of symlinks too. `-P`: symlinks are made when they
 * are read, not as placeholders to be replaced at the end, which would touch directories that are finished; paths
 * were checked before, and the folder is empty and nobody else's.
 */
const ARGUMENTS = ['--extract', '--file=-', '--preserve-permissions', '--absolute-names', '--numeric-owner'];
const QUIET = ['--warning=no-timestamp', '--warning=no-unknown-keyword'];
/** Enough of what tar said for a message. */
const MAX_SAID = 4000;

export const startTar = (folder: string): TarProcess => {
  const asRoot = process.geteuid?.() === 0;
  const owner = asRoot ? '--same-owner' : '--no-same-owner';
  const child = spawn('tar', [...ARGUMENTS, ...QUIET, owner, '--directory', folder], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { LC_ALL: 'C', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  let said = '';
  let failure: Error | undefined;
  child.stderr.on('data', (data: Buffer) => {
    if (said.length < MAX_SAID) said += data.toString();
  });
  // EPIPE: tar has ended early, and `exited` says why.
  child.stdin.on('error', () => undefined);
  const exited = new Promise<void>((resolve) => {
    child.once('error', (cause) => {
      failure = new Error('cannot run tar, which unpacks a home: install GNU tar', { cause });
      resolve();
    });
    child.once('close', (code, signal) => {
      if (code !== 0) failure ??= tarFailure(folder, said.trim(), signal ?? `exit code ${code}`);
      resolve();
    });
  });

  const write: TarProcess['write'] = async (chunk) => {
    if (failure !== undefined) throw failure;
    await new Promise<void>((resolve) => {
      // Written, or the pipe is broken: then `exited` says why.
      child.stdin.write(chunk, () => resolve());
    });
  };

  const end = async (): Promise<void> => {
    child.stdin.end();
    await exited;
    if (failure !== undefined) throw failure;
  };

  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };

  return { write, end, kill };
};

/** What the end of tar means, by what it said (in the C locale). */
export const tarFailure = (folder: string, said: string, ending: string): Error =>
  /No space left on device|Disk quota exceeded/.test(said)
    ? new HomeError('DiskFull', `the disk is full: restoring into ${folder} stopped (${said.slice(0, 300)})`)
    : new Error(`tar could not fill ${folder} (${ending}): ${said}`);
