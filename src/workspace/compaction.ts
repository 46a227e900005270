import { SEAL_BYTES } from './pack-writer.ts';
import type { HomeIndex } from './home-index.ts';
import { memberBytes } from './tar-format.ts';

/** More small packs than this make a restore slow: each is a request. */
const MAX_SMALL_PACKS = 64;
/** Rewriting these pays: a pack is sealed at twice the size. */
const SMALL_BYTES = SEAL_BYTES / 2;
/** Live bytes that one commit packs anew at most. */
const MAX_WORK_BYTES = 64 << 20;

interface PackUse {
  readonly pack: string;
  readonly bytes: number;
  /** What the files that are still in the tree take of it. */
  readonly live: number;
}

/**
 * The packs whose files the next commit packs anew: many small ones, as a home that changes a little all the time
 * leaves behind, or mostly dead ones. Full packs are left alone, however many there are. The old packs stay in the
 * bucket, for older commits refer to them.
 */
export const packsToRewrite = (index: HomeIndex): ReadonlySet<string> => {
  const uses = packUses(index);
  const small = uses.filter(({ live }) => live < SMALL_BYTES);
  if (small.length > MAX_SMALL_PACKS) return withinWork(small.sort((a, b) => a.live - b.live));
  const total = uses.reduce((sum, { bytes }) => sum + bytes, 0);
  const live = uses.reduce((sum, use) => sum + use.live, 0);
  if (live * 2 >= total) return new Set();
  const dead = uses.filter((use) => use.live * 2 < use.bytes);
  return withinWork(dead.sort((a, b) => a.live / a.bytes - b.live / b.bytes));
};

const packUses = (index: HomeIndex): PackUse[] => {
  const live = new Map<string, number>();
  const counted = new Set<string>();
  for (const { entry } of index.records.values()) {
    if (entry.type !== 'file' || entry.content.kind !== 'packed') continue;
    const { pack, offset } = entry.content;
    const place = `${pack}:${offset}`;
    if (counted.has(place)) continue;
    counted.add(place);
    live.set(pack, (live.get(pack) ?? 0) + memberBytes(entry.path, entry.size));
  }
  return [...index.packs].map(([pack, bytes]) => ({ pack, bytes, live: live.get(pack) ?? 0 }));
};

const withinWork = (uses: readonly PackUse[]): ReadonlySet<string> => {
  const chosen = new Set<string>();
  let work = 0;
  for (const { pack, live } of uses) {
    work += live;
    if (work > MAX_WORK_BYTES) break;
    chosen.add(pack);
  }
  return chosen;
};
