import { expect, test } from '@jest/globals';
import { Broken } from '../domain/model/broken.ts';
import { MUTATIONS } from './mutations.ts';
import { simulate, type Tampering } from './simulate.ts';

/** So many histories are enough to notice each of them; those that notice most come first. */
const TELLING = [1, 2, 69, 23, 13, 3, 14, 26, 15, 9, 19, 7];
const MOST_SEEDS = 60;
const SEEDS = [...new Set([...TELLING, ...Array.from({ length: MOST_SEEDS }, (_, index) => index + 1)])];

/** The seed of the first history that goes wrong; undefined: none does. */
const noticedAt = async (tampering: Tampering): Promise<number | undefined> => {
  for (const seed of SEEDS) {
    try {
      await simulate(seed, tampering);
    } catch (error) {
      // Anything else says nothing of what the simulation looks for.
      if (!(error instanceof Broken)) throw error;
      return seed;
    }
  }
  return undefined;
};

/** What these find in the product as it is not, the simulation would find in the product as it is. */
test.each(MUTATIONS.map(({ what, tampering }) => [what, tampering] as const))(
  'the simulation notices that %s',
  async (_what, tampering) => {
    expect(await noticedAt(tampering)).toBeDefined();
  },
);
