import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { makeWorkQueue } from '../../src/runtime/work-queue.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { makeVirtualClock } from '../support/virtual-clock.ts';

type Step =
  | { readonly kind: 'add'; readonly key: string; readonly priority: number; readonly afterMs: number }
  | { readonly kind: 'retry'; readonly key: string }
  | { readonly kind: 'take' }
  | { readonly kind: 'done'; readonly which: number }
  | { readonly kind: 'advance'; readonly ms: number };

const key = fc.constantFrom('a', 'b', 'c', 'd');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    key,
    priority: fc.constantFrom(-100, 0, 100),
    afterMs: fc.constantFrom(0, 0, 10, 1000),
  }),
  fc.record({ kind: fc.constant('retry' as const), key }),
  fc.record({ kind: fc.constant('take' as const) }),
  fc.record({ kind: fc.constant('done' as const), which: fc.nat(3) }),
  fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 10, 500, 5000) }),
);

describe('work queue, whatever happens', () => {
  it('never gives a key to two workers, loses none, and runs none that nobody added', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = makeVirtualClock();
        const queue = makeWorkQueue({ name: 'q', clock, random: makeSeededRandom(3) });
        const held: string[] = [];
        let moment = 0;
        let adds = 0;
        let takes = 0;
        const lastAdd = new Map<string, number>();
        const lastTake = new Map<string, number>();

        const takeOne = async (): Promise<void> => {
          const taken = (await queue.take()) as string;
          expect(held).not.toContain(taken);
          held.push(taken);
          takes += 1;
          lastTake.set(taken, moment++);
        };
        const giveBack = (which: number): void => {
          const [given] = held.splice(which % held.length, 1);
          queue.done(given as string);
        };

        for (const one of steps) {
          if (one.kind === 'add' || one.kind === 'retry') {
            adds += 1;
            lastAdd.set(one.key, moment++);
            if (one.kind === 'add') queue.add(one.key, one);
            else queue.retry(one.key);
          }
          if (one.kind === 'take' && queue.depth() > 0) await takeOne();
          if (one.kind === 'done' && held.length > 0) giveBack(one.which);
          if (one.kind === 'advance') await clock.advance(one.ms);
        }

        await clock.advance(200_000);
        while (held.length > 0 || queue.depth() > 0) {
          if (held.length > 0) giveBack(0);
          else await takeOne();
        }
        for (const [added, at] of lastAdd) expect(lastTake.get(added)).toBeGreaterThan(at);
        expect(takes).toBeLessThanOrEqual(adds);
        await queue.close();
        expect(clock.sleepers()).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
