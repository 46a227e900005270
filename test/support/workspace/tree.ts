import { hash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** One name of a tree, in full: what must come back exactly. */
export interface TreeLine {
  /** One character per byte. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  readonly mode: string;
  readonly mtimeNs: bigint;
  readonly size: number;
  readonly sha256: string;
  readonly target: string;
  /** The first name of the same file. */
  readonly sameAs: string;
}

/** An independent look at a folder: nothing of the engine is used. Files of more than `hashUpTo` bytes are not read. */
export const readTree = (folder: string, hashUpTo = 64 << 20): readonly TreeLine[] => {
  const lines: TreeLine[] = [];
  const firstNames = new Map<bigint, string>();
  const visit = (path: string): void => {
    const at = Buffer.from(path === '' ? folder : `${folder}/${path}`, 'latin1');
    const stats = lstatSync(at, { bigint: true });
    const type = stats.isFile()
      ? 'file'
      : stats.isDirectory()
        ? 'directory'
        : stats.isSymbolicLink()
          ? 'symlink'
          : 'other';
    if (type !== 'directory' && !firstNames.has(stats.ino)) firstNames.set(stats.ino, path);
    lines.push({
      path,
      type,
      mode: (stats.mode & 0o7777n).toString(8),
      mtimeNs: stats.mtimeNs,
      size: type === 'file' ? Number(stats.size) : 0,
      sha256: type === 'file' && stats.size <= hashUpTo ? hash('sha256', readFileSync(at), 'hex') : '',
      target: type === 'symlink' ? readlinkSync(at, { encoding: 'latin1' }) : '',
      sameAs: firstNames.get(stats.ino) ?? path,
    });
    if (type !== 'directory') return;
    for (const name of readdirSync(at, { encoding: 'latin1' }).sort()) visit(path === '' ? name : `${path}/${name}`);
  };
  visit('');
  return lines;
};

/** For a comparison of trees that were not restored: sockets and the like are not saved. */
export const savedPart = (lines: readonly TreeLine[]): readonly TreeLine[] =>
  lines.filter(({ type }) => type !== 'other');
