import { hash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { BytePath } from './byte-path.ts';
import { UNKNOWN, type HomeIndex, type IndexRecord } from './home-index.ts';
import { decodeManifest, type EncodedManifest } from './manifest.ts';
import { readStateFile, writeStateFile } from './state-files.ts';

/**
 * The scan index on disk, so that a restart reads no file again: a copy of the manifest, and beside it how each of its
 * entries looked. It is a cache: when anything about it is wrong it counts as lost, and every file is read again.
 */
const STATS = 'index.json';
const MANIFEST = 'index-manifest.json.gz';
const wire = z.object({
  manifest: z.string(),
  manifestSha256: z.string(),
  bootId: z.string(),
  /** inode, ctime and check time of each entry, in the manifest's order. */
  stats: z.array(z.tuple([z.string(), z.string(), z.string()])),
});

export const saveIndex = async (
  folder: string,
  manifest: string,
  encoded: EncodedManifest,
  records: ReadonlyMap<BytePath, IndexRecord>,
  bootId: string,
): Promise<void> => {
  const stats = [...records.values()].map((r) => [String(r.inode), String(r.ctimeNs), String(r.checkedNs)]);
  await writeStateFile(folder, MANIFEST, encoded.body);
  await writeStateFile(folder, STATS, JSON.stringify({ manifest, manifestSha256: encoded.sha256, bootId, stats }));
};

/** Takes no space. */
export const dropIndex = (folder: string): Promise<void> => rm(join(folder, STATS), { force: true });

/**
 * Undefined when there is none to trust. After a reboot no file is trusted to be what was read before: what had not
 * reached the disk may be lost although its times are the same.
 */
export const loadIndex = async (folder: string, bootId: string): Promise<HomeIndex | undefined> => {
  try {
    const [stats, body] = [readStateFile(folder, STATS), readStateFile(folder, MANIFEST)];
    if (stats === undefined || body === undefined) return undefined;
    const saved = wire.parse(JSON.parse(stats.toString()));
    if (saved.manifestSha256 !== hash('sha256', body, 'hex')) return undefined;
    const { entries, packs } = await decodeManifest(body, MANIFEST);
    if (entries.length !== saved.stats.length) return undefined;
    const records = entries.map((entry, i): [BytePath, IndexRecord] => {
      const [inode, ctime, checked] = saved.stats[i] ?? ['0', '0', '0'];
      const ctimeNs = saved.bootId === bootId ? BigInt(ctime) : UNKNOWN;
      return [entry.path, { entry, inode: BigInt(inode), ctimeNs, checkedNs: BigInt(checked) }];
    });
    return { manifest: saved.manifest, records: new Map(records), packs };
  } catch {
    return undefined;
  }
};
