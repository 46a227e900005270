import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { DaemonError } from '../protocol/problem.ts';
import { type BytePath, toFs } from './byte-path.ts';
import { errnoOf } from './fs-error.ts';

/**
 * Where tar works, as an argument: the directory is opened here and given to it as descriptor 3. An argument can only be
 * UTF-8 where Node starts the program, and a path may not be.
 */
export const DIRECTORY_ARGUMENT = '/proc/self/fd/3';

export interface TarEnd {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stderr: string;
}

export interface TarChild {
  readonly child: ChildProcessByStdio<Writable | null, Readable | null, Readable>;
  /** Rejects where the image has no tar. */
  readonly ended: Promise<TarEnd>;
}

const MAX_STDERR = 4096;

export const openDirectory = (path: BytePath): Promise<FileHandle> =>
  open(toFs(path), constants.O_RDONLY | constants.O_DIRECTORY);

/** `pipe`: at which end of it somebody is. `environment` says where programs are. Ends with `signal`. */
export const startTar = (
  args: readonly string[],
  directory: FileHandle,
  pipe: 'stdin' | 'stdout',
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): TarChild => {
  const child = spawn('tar', args, {
    stdio: [pipe === 'stdin' ? 'pipe' : 'ignore', pipe === 'stdout' ? 'pipe' : 'ignore', 'pipe', directory.fd],
    // Its messages are read below.
    env: { ...environment, LC_ALL: 'C' },
    signal,
    killSignal: 'SIGKILL',
  }) as unknown as TarChild['child'];
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < MAX_STDERR) stderr += chunk.toString('utf8');
  });
  const ended = new Promise<TarEnd>((resolve, reject) => {
    child.once('error', (error) => reject(startError(error)));
    child.once('close', (code) => resolve({ code, stderr: stderr.slice(0, MAX_STDERR).trim() }));
  });
  ended.catch(() => undefined);
  return { child, ended };
};

const startError = (error: Error): unknown =>
  errnoOf(error) === 'ENOENT'
    ? new DaemonError('unimplemented', "the sandbox's image has no tar; install GNU tar in it", error)
    : error;

/** What tar's failure is answered with. */
export const tarError = ({ code, stderr }: TarEnd): DaemonError => {
  const message =
    stderr
      .replaceAll(/^tar: /gm, '')
      .split('\n')
      .slice(0, 3)
      .join('; ') || `tar ended with ${code ?? 'a signal'}`;
  if (/No space left|quota exceeded/i.test(stderr)) {
    return new DaemonError('resource_exhausted', message, undefined, 'no_space');
  }
  return /Permission denied|Operation not permitted/i.test(stderr)
    ? new DaemonError('permission_denied', message)
    : new DaemonError('internal', message);
};
