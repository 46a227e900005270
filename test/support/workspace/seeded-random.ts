import type { Random } from '../../../src/base/random.ts';

/** mulberry32: the same seed gives the same run. */
export const seededRandom = (
  seed: number,
): Random & { readonly below: (n: number) => number; readonly pick: <T>(from: readonly T[]) => T } => {
  let state = seed >>> 0;
  const float = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(float() * n);
  return {
    float,
    below,
    pick: <T>(from: readonly T[]): T => from[below(from.length)] as T,
    hex: (bytes) => Array.from({ length: bytes }, () => below(256).toString(16).padStart(2, '0')).join(''),
  };
};
export type SeededRandom = ReturnType<typeof seededRandom>;
