import { createHash } from 'node:crypto';
import { createReadStream, type BigIntStats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** path → one line that says all that a restore must bring back. Two trees are the same when their manifests are. */
export type TreeManifest = Readonly<Record<string, string>>;

/** Type, mode, mtime in nanoseconds, size, SHA-256 and link target of everything below `root`. */
export const treeManifest = async (root: string): Promise<TreeManifest> => {
  const manifest: Record<string, string> = {};
  const visit = async (path: string): Promise<void> => {
    const absolute = join(root, path);
    const stats = await lstat(absolute, { bigint: true });
    manifest[path] = await describe(absolute, stats);
    if (stats.isDirectory()) await visitAll(path);
  };
  const visitAll = async (path: string): Promise<void> => {
    for (const name of (await readdir(join(root, path))).sort()) await visit(join(path, name));
  };
  await visitAll('.');
  return manifest;
};

const describe = async (path: string, stats: BigIntStats): Promise<string> => {
  const mode = (stats.mode & 0o7777n).toString(8);
  if (stats.isSymbolicLink()) return `link ${await readlink(path)}`;
  if (stats.isDirectory()) return `directory ${mode} ${stats.mtimeNs}`;
  if (!stats.isFile()) throw new Error(`${path} is neither a file, a directory nor a symbolic link`);
  return `file ${mode} ${stats.mtimeNs} ${stats.size} ${await sha256(path)}`;
};

const sha256 = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};
