import { makeSeededRandom } from '../support/seeded-random.ts';

/** What a history leaves to chance, which follows from its seed. */
export interface Chance {
  /** Below `end`. */
  readonly number: (end: number) => number;
  readonly of: <T>(choices: readonly T[]) => T;
}

export const makeChance = (seed: number): Chance => {
  const { float } = makeSeededRandom(seed);
  const number = (end: number): number => Math.floor(float() * end);
  return { number, of: (choices) => choices[number(choices.length)] as (typeof choices)[number] };
};
