import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { ObjectStore } from '../../../src/workspace/object-store.ts';
import { makeS3Store, type S3StoreOptions } from '../../../src/workspace/s3/store.ts';
import type { FakeS3 } from './server.ts';

/** Retries follow at once. An attempt is given up late by the clock, so that a busy machine causes no second request. */
const QUICK = { attempts: 4, backoff: { baseMs: 1, maxMs: 2 }, attemptMs: 60_000 } as const;

/** Gives an attempt up as soon as a request hangs, instead of when its time is over. */
const overWhenHung = ({ nextHang }: Pick<FakeS3, 'nextHang'>): Clock => ({
  ...systemClock,
  sleep: (ms, signal) => {
    const slept = systemClock.sleep(ms, signal);
    return ms < QUICK.attemptMs ? slept : Promise.race([slept, nextHang()]);
  },
});

/** The real S3 client on a fake server; what hangs there is given up at once where the server is in this process. */
export const fakeStore = (
  fake: Pick<FakeS3, 'endpoint'> & Partial<Pick<FakeS3, 'nextHang'>>,
  options: Partial<S3StoreOptions> = {},
): ObjectStore =>
  makeS3Store({
    bucket: 'test',
    endpoint: fake.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    clock: fake.nextHang === undefined ? systemClock : overWhenHung({ nextHang: fake.nextHang }),
    random: systemRandom,
    ...options,
    policy: { ...QUICK, ...options.policy },
  });
