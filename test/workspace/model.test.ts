import { expect, jest, test } from '@jest/globals';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isHomeError } from '../../src/workspace/home.ts';
import { isStoreError } from '../../src/workspace/object-store.ts';
import type { FaultAction } from '../support/fake-s3/faults.ts';
import { randomChange } from '../support/workspace/random-change.ts';
import { restoreHeadInto } from '../support/workspace/restore-manifest.ts';
import { seededRandom, type SeededRandom } from '../support/workspace/seeded-random.ts';
import { makeTestHomes, type TestHomes } from '../support/workspace/test-homes.ts';
import { readTree, type TreeLine } from '../support/workspace/tree.ts';

// Not a measure: other work on the machine must not fail it.
jest.setTimeout(600_000);

const FIRST_SEED = Number(process.env['MATRX_MODEL_FIRST_SEED'] ?? 1);
const SEEDS = Number(process.env['MATRX_MODEL_SEEDS'] ?? 5);
const STEPS = 30;

const FAULTS: readonly FaultAction[] = [
  { kind: 'answer', status: 503, code: 'SlowDown' },
  { kind: 'answer', status: 500, code: 'InternalError', applied: true },
  { kind: 'answer', status: 403, code: 'AccessDenied' },
  { kind: 'resetBefore' },
  { kind: 'resetAfter' },
  { kind: 'truncate' },
  { kind: 'corrupt' },
];

/** What HEAD restores to, by the engine's own restore into a folder of its own. */
const headTree = async (homes: TestHomes): Promise<readonly TreeLine[]> => {
  const folder = join(homes.folder, 'look');
  mkdirSync(folder);
  await restoreHeadInto(homes, folder);
  const tree = readTree(folder);
  rmSync(folder, { recursive: true });
  return tree;
};

const addFaults = (homes: TestHomes, random: SeededRandom): void => {
  if (random.below(3) > 0) return;
  for (let i = random.below(4); i >= 0; i--) {
    const chance = random.below(5) + 1;
    homes.fake.faults.add({
      when: () => random.below(chance) === 0,
      action: random.pick(FAULTS),
      times: random.pick([1, 1, 2, 8]),
    });
  }
};

test.each(Array.from({ length: SEEDS }, (_, i) => FIRST_SEED + i))(
  'seed %i: whatever fails, HEAD is one complete state the home was in, and what was acknowledged is in it',
  async (seed) => {
    const random = seededRandom(seed);
    const homes = await makeTestHomes();
    const history: string[] = [];
    try {
      let home = await homes.next();
      let name = 'epoch-1';
      let epoch = 1;
      writeFileSync(join(home.folder, 'first'), 'first');
      await home.commit({ final: true });
      /** States HEAD may have: the last acknowledged one, and those of commits since whose outcome is not known. */
      let possible: (readonly TreeLine[])[] = [readTree(home.folder)];
      for (let step = 0; step < STEPS; step++) {
        for (let changes = random.below(6); changes >= 0; changes--) history.push(randomChange(home.folder, random));
        if (random.below(8) === 0) {
          history.push('restart');
          await home.close();
          home = await homes.open(name, epoch);
          expect(await home.restore({})).toMatchObject({ resumed: true });
        }
        const now = readTree(home.folder);
        addFaults(homes, random);
        try {
          const report = await home.commit({ final: random.below(4) === 0 });
          history.push(`commit ${report.head.sequence}`);
          expect(report.dirty).toBe(0);
          possible = [now];
        } catch (thrown) {
          // A byte flipped in HEAD at each of four readings is believed to be damage in the bucket.
          if (!isStoreError(thrown) && !isHomeError(thrown, 'Corrupt')) throw thrown;
          history.push(`commit failed: ${thrown.message}`);
          possible.push(now);
        }
        homes.fake.faults.clear();
        expect(readTree(home.folder)).toEqual(now);
        const head = await headTree(homes);
        expect(possible).toContainEqual(head);
        if (random.below(6) > 0) continue;

        history.push('move');
        await home.commit({ final: true });
        const saved = readTree(home.folder);
        await home.close();
        epoch += 1;
        name = `epoch-${epoch}`;
        home = await homes.next();
        expect(readTree(home.folder)).toEqual(saved);
        possible = [saved];
      }
    } catch (thrown) {
      throw new Error(`seed ${seed} after:\n${history.join('\n')}`, { cause: thrown });
    } finally {
      await homes.close();
    }
  },
);
