import { mkdir, realpath } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ArchiveResult } from '../protocol/files.ts';
import { DaemonError } from '../protocol/problem.ts';
import { type BytePath, fromFs, toFs } from './byte-path.ts';
import { about } from './fs-error.ts';
import { END_OF_ARCHIVE, scanTar } from './scan-tar.ts';
import { DIRECTORY_ARGUMENT, openDirectory, startTar, tarError } from './tar-child.ts';
import { makeMemberCheck } from './tar-names.ts';

/** pax, for times with nanoseconds and names of any length; without the times of access and change, which say nothing. */
const PACK = [
  '--create',
  '--file=-',
  '--format=posix',
  '--pax-option=delete=atime,delete=ctime',
  '--exclude=.matrx-upload-????????????????',
  `--directory=${DIRECTORY_ARGUMENT}`,
  '.',
];

/** Modes and times as they are in the archive; directories get theirs last, or nothing could be put into a read-only one. */
const UNPACK = [
  '--extract',
  '--file=-',
  '--no-same-owner',
  '--preserve-permissions',
  '--delay-directory-restore',
  `--directory=${DIRECTORY_ARGUMENT}`,
];

/** tar's own word for: a file changed, or went, while it was read. */
const SOME_CHANGED = 1;

export interface TarContext {
  /** Where programs are. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Sends a directory as tar. Where that fails midway the connection ends, so that nobody takes a part for the whole. */
export const answerArchive = async (
  path: BytePath,
  response: ServerResponse,
  { environment, signal }: TarContext,
): Promise<void> => {
  const directory = await about(path, () => openDirectory(path));
  try {
    const { child, ended } = startTar(PACK, directory, 'stdout', environment, signal);
    const { stdout } = child;
    if (stdout === null) throw new Error('tar has no output');
    // What fails at once is still answered as a failure.
    await new Promise<void>((resolve) => {
      stdout.once('readable', resolve);
      stdout.once('end', resolve);
      child.once('error', () => resolve());
    });
    if (stdout.readableLength === 0) throw tarError(await ended);
    response.writeHead(200, { 'Content-Type': 'application/x-tar' });
    await pipeline(stdout, response, { end: false });
    const end = await ended;
    if (end.code === 0 || end.code === SOME_CHANGED) response.end();
    else response.destroy();
  } finally {
    await directory.close();
  }
};

/**
 * Unpacks a tar stream into a directory, which is made if need be. What came before a refused member is unpacked in
 * full: tar is given a proper end, without which it would leave its placeholders for symlinks behind.
 */
export const unpackArchive = async (
  path: BytePath,
  chunks: AsyncIterable<Buffer>,
  { environment, signal }: TarContext,
): Promise<ArchiveResult> => {
  const directory = await about(path, async () => {
    await mkdir(toFs(path), { recursive: true });
    return openDirectory(path);
  });
  let entries = 0;
  let refusal: DaemonError | undefined;
  const stop = new AbortController();
  try {
    const check = makeMemberCheck(fromFs(await realpath(toFs(path), { encoding: 'buffer' })));
    const { child, ended } = startTar(UNPACK, directory, 'stdin', environment, AbortSignal.any([signal, stop.signal]));
    const { stdin } = child;
    if (stdin === null) throw new Error('tar has no input');
    const scanned = scanTar(chunks, async (member) => {
      await check(member);
      entries++;
    });
    async function* untilRefused(): AsyncGenerator<Buffer> {
      try {
        yield* scanned;
      } catch (error) {
        if (!(error instanceof DaemonError)) throw error;
        refusal = error;
        yield END_OF_ARCHIVE;
      }
    }
    try {
      await pipeline(untilRefused(), stdin);
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== 'EPIPE') throw error;
      // tar has stopped reading, and says below why.
    }
    const end = await ended;
    if (refusal !== undefined) throw refusal;
    if (end.code !== 0) throw tarError(end);
    return { entries };
  } finally {
    stop.abort();
    await directory.close();
  }
};
