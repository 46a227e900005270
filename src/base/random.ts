import { randomFillSync } from 'node:crypto';

/** The one door to chance: a seeded Random makes a run repeatable. */
export interface Random {
  /** A number in [0, 1), for jitter. */
  readonly float: () => number;
  /** `bytes` random bytes as lower-case hex, for ids and nonces. */
  readonly hex: (bytes: number) => string;
}

/** Asked of the system at once: a question takes as long for four bytes as for so many. */
const POOL_BYTES = 1024;
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/** Each byte of the pool is given once, and is forgotten then. */
const hex = (bytes: number): string => {
  if (bytes > POOL_BYTES) return randomFillSync(Buffer.alloc(bytes)).toString('hex');
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const given = pool.subarray(used, used + bytes);
  used += bytes;
  const text = given.toString('hex');
  given.fill(0);
  return text;
};

export const systemRandom: Random = Object.freeze({ float: () => Math.random(), hex });
