import { afterEach, beforeEach, expect, test, jest } from '@jest/globals';
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RestoreRequest } from '../../src/workspace/home.ts';
import { readCommitLog } from '../../src/workspace/commit-log.ts';
import { restoreHeadInto } from '../support/workspace/restore-manifest.ts';
import { homeProgram } from '../support/workspace/run-home-program.ts';
import { makeTestHomes, PREFIX, type TestHomes } from '../support/workspace/test-homes.ts';
import { readTree } from '../support/workspace/tree.ts';

// Not a measure: other work on the machine must not fail it.
jest.setTimeout(300_000);

const runHomeProgram = homeProgram();
let homes: TestHomes;
beforeEach(async () => {
  homes = await makeTestHomes();
});
afterEach(() => homes.close());

/** Lets `round` change the files so that every commit needs a pack, a blob, a manifest and HEAD. */
const change = (home: string, round: number): void => {
  const at = (path: string): string => join(home, path);
  writeFileSync(at(`file ${round}`), `content ${round}`);
  writeFileSync(at('same'), `round ${round}`);
  if (round === 0) writeFileSync(at('large'), Buffer.alloc((4 << 20) + 1, 'large'));
  appendFileSync(at('large'), `${round}`);
  rmSync(at(`file ${round - 3}`), { force: true });
  if (round % 2 === 1) renameSync(at(`file ${round}`), at(`renamed ${round}`));
  symlinkSync(`target ${round}`, at(`link ${round}`));
  mkdirSync(at(`directory ${round}/empty`), { recursive: true });
};

/**
 * Whoever starts next, in this process: what a killed one has left is on the disk and in the bucket, and a program of its
 * own for each would take most of the time of these tests. Says whether the home was open, and whether there was anything
 * to commit.
 */
const startNext = async (
  name: string,
  epoch: number,
  request?: RestoreRequest,
): Promise<{ readonly resumed: boolean; readonly committed: boolean }> => {
  const home = await homes.open(name, epoch);
  const { resumed } = await home.restore({ request });
  const { committed } = await home.commit({ final: true });
  await home.close();
  return { resumed, committed };
};

/** Runs the program and kills it at its request number `at`, counted from 0; false when it ended before. */
const killedAt = async (
  folder: string,
  at: number,
  applied: boolean,
  { epoch = 1, request }: { readonly epoch?: number; readonly request?: RestoreRequest } = {},
): Promise<boolean> => {
  const run = runHomeProgram(homes.fake, folder, epoch, request);
  const target = homes.fake.log.length + at;
  homes.fake.faults.add({
    when: ({ index }) => index === target,
    action: { kind: 'call', applied, run: () => run.child.kill('SIGKILL') },
    times: 1,
  });
  const { signal, code, said } = await run.ended;
  homes.fake.faults.clear();
  if (signal === null && code !== 0) throw new Error(said);
  return signal === 'SIGKILL';
};

const headTree = async () => {
  const folder = join(homes.folder, 'look');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  await restoreHeadInto(homes, folder);
  return readTree(folder);
};

test.each([
  ['before', false],
  ['after', true],
])(
  'SIGKILL at every S3 request of a commit, right %s it is applied: HEAD is the state before or the new one',
  async (_when, applied) => {
    const folder = join(homes.folder, 'killed');
    expect((await runHomeProgram(homes.fake, folder, 1).ended).said).toContain('"resumed":false');
    let before = readTree(join(folder, 'home'));
    for (let request = 0, round = 0, killed = true; killed; request++, round++) {
      change(join(folder, 'home'), round);
      const changed = readTree(join(folder, 'home'));
      killed = await killedAt(folder, request, applied);
      // A crash loses nothing on this disk.
      expect(readTree(join(folder, 'home'))).toEqual(changed);
      if (homes.fake.buckets.get('test')!.size > 1) expect([before, changed]).toContainEqual(await headTree());

      // And whoever starts next saves the rest.
      await startNext('killed', 1);
      expect(await headTree()).toEqual(changed);
      before = changed;
      if (!killed) expect(request).toBeGreaterThanOrEqual(4);
    }
  },
);

test('SIGKILL at every S3 request of a restore: the next start fills the home, exactly [F17]', async () => {
  const source = await homes.open('source', 1);
  await source.restore({});
  change(source.folder, 0);
  change(source.folder, 1);
  await source.commit({ final: true });
  await source.close();
  const expected = readTree(source.folder);

  let epoch = 2;
  for (let request = 0, killed = true; killed; request++, epoch++) {
    const name = `restored ${request}`;
    const folder = join(homes.folder, name);
    killed = await killedAt(folder, request, true, { epoch });

    expect(await startNext(name, epoch)).toEqual({ resumed: !killed, committed: false });
    expect(readTree(join(folder, 'home'))).toEqual(expected);
    if (!killed) expect(request).toBeGreaterThanOrEqual(5);
  }
});

test.each([
  ['before it is applied, and it goes on where it was', false, false],
  ['after it is applied, and it goes on where it was', true, false],
  ['after it is applied, and the next start is elsewhere', true, true],
])(
  'SIGKILL at every S3 request of a restore that goes back, right %s: it is done once, and nothing before it is lost',
  async (_how, applied, elsewhere) => {
    const source = await homes.open('source', 1);
    await source.restore({});
    change(source.folder, 0);
    const { manifest } = (await source.commit({ final: true })).head;
    const older = readTree(source.folder);
    change(source.folder, 1);
    const { head: newest } = await source.commit({ final: true });
    await source.close();

    const inBucket = { store: homes.store, prefix: PREFIX };
    const bucket = homes.fake.buckets.get('test')!;
    const before = new Map(bucket);
    const request = { requestId: 'back', manifest };
    for (let at = 0, killed = true; killed; at++) {
      bucket.clear();
      for (const [key, object] of before) bucket.set(key, object);
      const name = `killed ${at}`;
      killed = await killedAt(join(homes.folder, name), at, applied, { epoch: 2, request });
      // Commit 2 as it was, or the third, of which there is only one: it is looked at below.
      const left = (await readCommitLog(inBucket, 1))!.head;
      if (left.sequence !== 3) expect(left).toMatchObject({ sequence: 2, manifest: newest.manifest });

      const next = elsewhere ? `${name} elsewhere` : name;
      expect(await startNext(next, elsewhere ? 3 : 2, request)).toMatchObject({ committed: false });
      expect(readTree(join(homes.folder, next, 'home'))).toEqual(older);
      expect(await headTree()).toEqual(older);
      const log = (await readCommitLog(inBucket, 10))!;
      expect(log.commits.map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
      expect(log.commits[1]?.key).toBe(newest.manifest);
      expect(log.head.restored).toMatchObject({ requestId: 'back', manifest, sequence: 1 });
      if (!killed) expect(at).toBeGreaterThanOrEqual(7);
    }
  },
);
