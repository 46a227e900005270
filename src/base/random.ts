import { randomBytes } from 'node:crypto';

/** The one door to chance: a seeded Random makes a run repeatable. */
export interface Random {
  /** A number in [0, 1), for jitter. */
  readonly float: () => number;
  /** `bytes` random bytes as lower-case hex, for ids and nonces. */
  readonly hex: (bytes: number) => string;
}

export const systemRandom: Random = Object.freeze({
  float: () => Math.random(),
  hex: (bytes: number) => randomBytes(bytes).toString('hex'),
});
