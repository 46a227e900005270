import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AGENT_ID } from '../../src/api/names.ts';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { Home } from '../../src/workspace/home.ts';
import type { ObjectStore } from '../../src/workspace/object-store.ts';
import { openHome } from '../../src/workspace/open-home.ts';
import { makeS3Store } from '../../src/workspace/s3/store.ts';
import { succeed } from '../support/e2e/command.ts';
import { treeManifest } from '../support/e2e-faults/tree-manifest.ts';
import type { Bench, BenchContext } from './context.ts';
import { comparedWith, type Measurement, secondsMeasured } from './measurement.ts';
import { makePlainObjects, type PlainObjects } from './plain-objects.ts';
import { writeBigFile, writeSmallFiles } from './sample-tree.ts';
import { measureTools } from './transfer-tools.ts';

/** The seconds of one round, by case. */
interface Round {
  readonly commit: Timed;
  readonly restore: Timed;
  readonly upload: Timed;
  readonly download: Timed;
}

interface Timed {
  readonly seconds: number;
  readonly requests: number;
}

const transfer = (name: string, about: string, baseline: string, fill: (folder: string) => Promise<void>): Bench => ({
  name,
  about,
  seconds: 1800,
  run: async (context) => {
    const folder = join(context.scratch, name);
    const prefix = `bench/${systemRandom.hex(8)}/`;
    const store = makeS3Store(storeOptions(context));
    const plain = makePlainObjects(context.environment);
    try {
      const rounds: Round[] = [];
      // Nothing is removed before the end: ext4 looks for inodes that were not deleted in the last five minutes, and
      // after the removal of 80,000 files a restore that takes 2 s took 12 s.
      for (let round = 1; round <= context.rounds; round += 1) {
        const place = { folder: join(folder, String(round)), prefix: `${prefix}${round}/` };
        const measured = await measureRound({ context, store, plain, fill, ...place });
        context.say(`   ${round}: ${describeRound(measured)}`);
        rounds.push(measured);
      }
      const tools = context.withTools
        ? await measureTools({
            name,
            folder: join(folder, 'tools'),
            prefix: `${prefix}tools/`,
            fill,
            context,
          })
        : [];
      return [...summary(name, baseline, rounds), ...tools];
    } finally {
      await removePrefix(store, prefix);
      store.close();
      plain.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
});

export const smallFiles = transfer(
  'small-files',
  'commit and restore of 20,000 files of 4 KB, next to one object a file',
  'a PUT or GET a file, 64 at once',
  (folder) => writeSmallFiles(folder, { folders: 200, filesEach: 100, bytes: 4096 }),
);

export const bigFile = transfer(
  'big-file',
  'commit and restore of one file of 1 GB, next to one PUT and one GET',
  'one PUT or GET',
  (folder) => writeBigFile(join(folder, 'big.bin'), 1_000_000_000),
);

interface RoundSetting {
  readonly context: BenchContext;
  readonly store: ObjectStore;
  readonly plain: PlainObjects;
  readonly fill: (folder: string) => Promise<void>;
  readonly folder: string;
  readonly prefix: string;
}

/** New data in every round: content that S3 has already would not be sent again. */
const measureRound = async ({ context, store, plain, fill, folder, prefix }: RoundSetting): Promise<Round> => {
  const { signal } = context;
  const source = join(folder, 'source', 'home');
  const copy = join(folder, 'copy', 'home');
  const downloaded = join(folder, 'downloaded');
  const count = (): number => Object.values(store.requests()).reduce((sum, sent) => sum + sent, 0);

  const writer = await open(store, `${prefix}ws/`, 1, source);
  await writer.restore({ signal });
  await fill(source);
  const commit = await timed(count, () => writer.commit({ signal, final: true }));
  await writer.close();

  const reader = await open(store, `${prefix}ws/`, 2, copy);
  const restore = await timed(count, () => reader.restore({ signal }));
  await reader.close();
  // A fast answer that is wrong is no answer.
  if (!isDeepStrictEqual(await treeManifest(copy), await treeManifest(source))) {
    throw new Error('the restored home is not the one that was committed');
  }

  const upload = await timed(plain.requests, () => plain.upload(source, `${prefix}plain/`, signal));
  const download = await timed(plain.requests, () => plain.download(`${prefix}plain/`, downloaded, signal));
  return { commit, restore, upload, download };
};

const open = async (store: ObjectStore, prefix: string, epoch: number, home: string): Promise<Home> => {
  const state = join(home, '..', 'state');
  await mkdir(home, { recursive: true });
  await mkdir(state, { recursive: true });
  return openHome({
    store,
    prefix,
    epoch,
    writer: 'bench',
    home,
    state,
    ownerId: AGENT_ID,
    clock: systemClock,
    random: systemRandom,
  });
};

const timed = async (requests: () => number, act: () => Promise<unknown>): Promise<Timed> => {
  // What the part before has left to write would be paid for by this one.
  await succeed('sync', [], { deadlineMs: 120_000 });
  const before = requests();
  const startedAt = systemClock.monotonic();
  await act();
  return { seconds: (systemClock.monotonic() - startedAt) / 1000, requests: requests() - before };
};

const summary = (name: string, baseline: string, rounds: readonly Round[]): readonly Measurement[] => {
  const compare = (what: string, ours: keyof Round, theirs: keyof Round): Measurement =>
    comparedWith(
      secondsMeasured(`${name}-${what}`, seconds(rounds, ours), { requests: requestsOf(rounds, ours) }),
      baseline,
      seconds(rounds, theirs),
      requestsOf(rounds, theirs),
    );
  return [compare('commit', 'commit', 'upload'), compare('restore', 'restore', 'download')];
};

const seconds = (rounds: readonly Round[], part: keyof Round): readonly number[] =>
  rounds.map((round) => round[part].seconds);
/** Every round sends the same ones; a retry would show as more. */
const requestsOf = (rounds: readonly Round[], part: keyof Round): number =>
  Math.max(...rounds.map((round) => round[part].requests));

const describeRound = (round: Round): string =>
  Object.entries(round)
    .map(
      ([part, { seconds: taken, requests }]: [string, Timed]) => `${part} ${taken.toFixed(2)} s (${requests} requests)`,
    )
    .join(', ');

const storeOptions = ({ environment }: BenchContext): Parameters<typeof makeS3Store>[0] => ({
  bucket: environment.MATRX_S3_BUCKET,
  region: environment.AWS_REGION,
  ...(environment.AWS_ENDPOINT_URL_S3 === undefined ? {} : { endpoint: environment.AWS_ENDPOINT_URL_S3 }),
  credentials: {
    accessKeyId: environment.AWS_ACCESS_KEY_ID,
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
  },
  clock: systemClock,
  random: systemRandom,
});

const removePrefix = async (store: ObjectStore, prefix: string): Promise<void> => {
  const deadline = AbortSignal.timeout(120_000);
  const keys: string[] = [];
  for await (const { key } of store.list(prefix, deadline)) keys.push(key);
  if (keys.length > 0) await store.delete(keys, deadline);
};
