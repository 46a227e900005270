import { jest, test } from '@jest/globals';
import { simulate } from './simulate.ts';

/** `make simulate` runs 2,000; one history alone is `MATRX_SEED=<seed> make simulate`. */
const only = process.env['MATRX_SEED'];
const runs = Number(process.env['MATRX_SIMULATIONS'] ?? 100);

/** How many test files share the histories: jest runs them side by side. */
const SHARES = 2;

/** Runs the histories of one share, as a test. */
export const testHistories = (share: number): void => {
  jest.setTimeout(600_000);
  const all = only === undefined ? Array.from({ length: runs }, (_, index) => index + 1) : [Number(only)];
  const seeds = all.filter((seed) => seed % SHARES === share);
  test(`whatever users, machines and the network do, nothing saved is lost, and in the end all is as asked for: share ${share} of ${SHARES}`, async () => {
    for (const seed of seeds) {
      try {
        await simulate(seed);
      } catch (cause) {
        throw new Error(`the history of seed ${seed} went wrong; run it alone: MATRX_SEED=${seed} make simulate`, {
          cause,
        });
      }
    }
  });
};
