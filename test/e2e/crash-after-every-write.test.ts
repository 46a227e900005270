import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../src/base/clock.ts';
import { LIFE_PATHS, type LifePath } from '../support/played/life-paths.ts';
import { makePlayedCluster, type PlayedCluster } from '../support/played/played-cluster.ts';
import { type Lane, openLane, type Struck, walk } from '../support/played/lane.ts';

/** Lives at the same time, each in a namespace of its own. */
const LANES = 8;
/** A minute on two idle cores. */
const TIMEOUT_MS = 600_000;

let cluster: PlayedCluster;
let lanes: readonly Lane[];

beforeAll(async () => {
  cluster = await makePlayedCluster();
  lanes = await Promise.all(Array.from({ length: LANES }, () => openLane(cluster)));
});
afterAll(async () => {
  await Promise.all(lanes.map((lane) => lane.close()));
  await cluster.close();
});

interface Job {
  readonly path: LifePath;
  readonly struck: Struck;
}

interface Walked extends Job {
  /** That the API server has taken. */
  readonly writes: readonly string[];
}

/** Every job, on the next lane that is free. The first that goes wrong is the last that is begun. */
const walkAll = async (jobs: readonly Job[]): Promise<readonly Walked[]> => {
  const waiting = [...jobs];
  const done: Walked[] = [];
  const wrong: unknown[] = [];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
        try {
          done.push({ ...job, writes: await walk(lane, job.path, job.struck) });
        } catch (error) {
          wrong.push(error);
          waiting.length = 0;
        }
      }
    }),
  );
  if (wrong.length > 0) throw wrong[0];
  return done;
};

/** Each write the last of its process, and none at all; and answers lost in between. */
const strikesOn = ({ path, writes }: Walked): readonly Job[] => [
  ...Array.from({ length: writes.length + 1 }, (_, after) => ({ path, struck: { how: 'dies', after } as const })),
  { path, struck: { how: 'unanswered', from: 1 } },
  { path, struck: { how: 'unanswered', from: 2 } },
];

test(
  'a controller dies after any write of any way through a life, or hears nothing of it: no pod is orphaned or doubled, no Sandbox and no commit lost [F1] [F2]',
  async () => {
    const begun = systemClock.monotonic();
    const whole = await walkAll(LIFE_PATHS.map((path) => ({ path, struck: { how: 'never' } })));
    const counts = new Map(whole.map(({ path, writes }) => [path.what, writes.length]));
    // Finalizer, workspace, its lock, pod, status: as the deployed controller writes them.
    expect(counts.get('start')).toBeGreaterThanOrEqual(5);
    for (const [what, count] of counts) expect({ what, writes: count > 0 }).toEqual({ what, writes: true });
    const done = await walkAll(whole.flatMap(strikesOn));
    const ms = Math.round(systemClock.monotonic() - begun);
    process.stderr.write(`${done.length} lives in ${ms} ms; writes: ${JSON.stringify(Object.fromEntries(counts))}\n`);
  },
  TIMEOUT_MS,
);
