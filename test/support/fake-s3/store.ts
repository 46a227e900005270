import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { ObjectStore } from '../../../src/workspace/object-store.ts';
import { makeS3Store, type S3StoreOptions } from '../../../src/workspace/s3/store.ts';
import type { FakeS3 } from './server.ts';

/** Retries follow at once; an attempt that hangs is given up late, so that a busy machine causes no second request. */
const QUICK = { attempts: 4, backoff: { baseMs: 1, maxMs: 2 }, attemptMs: 60_000 } as const;
/** For a test in which requests hang: each costs so many milliseconds. */
export const IMPATIENT = { attemptMs: 1500, bytesPerSecond: 100_000_000 } as const;

/** The real S3 client on a fake server. */
export const fakeStore = (fake: Pick<FakeS3, 'endpoint'>, options: Partial<S3StoreOptions> = {}): ObjectStore =>
  makeS3Store({
    bucket: 'test',
    endpoint: fake.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    clock: systemClock,
    random: systemRandom,
    ...options,
    policy: { ...QUICK, ...options.policy },
  });
