import type { Random } from '../../src/base/random.ts';

/** A Random that gives the same numbers for the same seed (mulberry32). */
export const makeSeededRandom = (seed: number): Random => {
  let state = seed >>> 0;
  const float = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const byte = (): string =>
    Math.floor(float() * 256)
      .toString(16)
      .padStart(2, '0');
  return Object.freeze({ float, hex: (bytes: number) => Array.from({ length: bytes }, byte).join('') });
};
