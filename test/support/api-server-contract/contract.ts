import { afterAll, beforeAll, describe } from '@jest/globals';
import { bodiesContract } from './bodies.ts';
import { deletionContract } from './deletion.ts';
import { listsAndWatchesContract } from './lists-and-watches.ts';
import { objectsContract } from './objects.ts';
import type { ContractSubject } from './subject.ts';

/**
 * What the product relies on of an API server. Run against the model that the simulations run on, and against a real one,
 * so that the model cannot drift. `bodies`: the subject has a connection, on which its answers are looked at as they are.
 */
export const apiServerContract = (
  name: string,
  start: () => Promise<ContractSubject>,
  { bodies }: { readonly bodies: boolean },
): void => {
  describe(`${name}, as an API server`, () => {
    let subject: ContractSubject;
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject.close());
    const given = (): ContractSubject => subject;
    objectsContract(given);
    deletionContract(given);
    listsAndWatchesContract(given);
    if (bodies) bodiesContract(given);
  });
};
