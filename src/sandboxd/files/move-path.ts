import { spawn } from 'node:child_process';
import { lstat, mkdir, rename } from 'node:fs/promises';
import type { FileInfo } from '../protocol/files.ts';
import { DaemonError } from '../protocol/problem.ts';
import { type BytePath, isWithin, parentOf, toFs, toText } from './byte-path.ts';
import { readFileInfo } from './file-info.ts';
import { about, errnoOf, isMissing } from './fs-error.ts';
import type { KeyLock } from './key-lock.ts';

export interface MoveOptions {
  /** A file replaces a file; a directory only an empty directory. */
  readonly overwrite: boolean;
  readonly parents: boolean;
}

/** Renames; between file systems it copies and removes. */
export const movePath = async (
  lock: KeyLock,
  from: BytePath,
  to: BytePath,
  { overwrite, parents }: MoveOptions,
): Promise<FileInfo> => {
  if (from === '/' || to === '/')
    throw new DaemonError('invalid_argument', 'the root of the file system stays where it is');
  if (from !== to && isWithin(from, to)) {
    throw new DaemonError('invalid_argument', `${toText(from)} cannot be moved into itself`);
  }
  await about(from, () => lstat(toFs(from)));
  await about(to, async () => {
    if (parents) await mkdir(toFs(parentOf(to)), { recursive: true });
    // Linux can do this at once (RENAME_NOREPLACE), Node cannot: at least no other request comes in between.
    await lock(to, async () => {
      if (!overwrite && from !== to && (await exists(to))) throw Object.assign(new Error('exists'), { code: 'EEXIST' });
      try {
        await rename(toFs(from), toFs(to));
      } catch (error) {
        if (errnoOf(error) !== 'EXDEV') throw error;
        await moveAcross(from, to);
      }
    });
  });
  return readFileInfo(to, { follow: false });
};

const exists = async (path: BytePath): Promise<boolean> => {
  try {
    await lstat(toFs(path));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
};

const MAX_STDERR = 4096;

/**
 * `mv`, which copies with times, modes and links. Its arguments come through xargs: they are bytes, and Node gives a
 * child only arguments that are UTF-8. Once begun it goes on to its end, whether or not anybody waits for it.
 */
const moveAcross = async (from: BytePath, to: BytePath): Promise<void> => {
  const child = spawn('xargs', ['-0', 'mv', '-f', '-T', '--'], { stdio: ['pipe', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < MAX_STDERR) stderr += chunk.toString('utf8');
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(Buffer.concat([toFs(from), Buffer.of(0), toFs(to), Buffer.of(0)]));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return;
  const full = /No space left/i.test(stderr);
  throw new DaemonError(
    full ? 'resource_exhausted' : 'failed_precondition',
    `${toText(from)} could not be moved to another file system: ${stderr.trim()}`,
    undefined,
    full ? 'no_space' : undefined,
  );
};
