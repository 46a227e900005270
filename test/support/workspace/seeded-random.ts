import type { Random } from '../../../src/base/random.ts';
import { makeSeededRandom } from '../seeded-random.ts';

export interface SeededRandom extends Random {
  /** A whole number from 0, less than `n`. */
  readonly below: (n: number) => number;
  readonly pick: <T>(from: readonly T[]) => T;
}

/** The same seed makes the same choices. */
export const seededRandom = (seed: number): SeededRandom => {
  const random = makeSeededRandom(seed);
  const below = (n: number): number => Math.floor(random.float() * n);
  return { ...random, below, pick: <T>(from: readonly T[]): T => from[below(from.length)] as T };
};
