import { afterAll, beforeAll, jest } from '@jest/globals';
import { accountContract } from '../support/account-contract.ts';
import { type ColdWorld, openColdWorld } from '../support/cold-world.ts';

// The contract that the unit tests hold a played IAM to, on a real versitygw; no cluster.
jest.setTimeout(120_000);

let world: ColdWorld;
beforeAll(async () => {
  world = await openColdWorld();
});
afterAll(() => world.close());

accountContract(() => world);
