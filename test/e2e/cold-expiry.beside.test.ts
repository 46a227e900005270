import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { type ColdSession, startColdSession } from '../../src/node/cold/cold-mount.ts';
import { EARLY_MS } from '../../src/node/cold/credentials-file.ts';
import { makeRcloneDriver } from '../../src/node/cold/rclone-driver.ts';
import { makeAssumeRoleCredentials } from '../../src/node/cold/sts-credentials.ts';
import { makeMounts } from '../../src/node/mounts.ts';
import { makeLog } from '../../src/telemetry/log.ts';
import { builtRclone } from '../support/built-program.ts';
import { until } from '../support/cold-world.ts';
import { type FakeSts, startFakeSts } from '../support/fake-aws/sts.ts';
import { type FakeS3, startFakeS3 } from '../support/fake-s3/server.ts';

// A real rclone on a real FUSE, with credentials of the AssumeRole provider that live for seconds, and a server in this
// process that refuses them afterwards; no cluster. Not beside many, because credentials that live for seconds are no use
// to programs that wait for a processor for seconds.
jest.setTimeout(600_000);

const REGION = 'us-east-1';
const LIFE_MS = 6000;
/** What is signed right before the end is still on its way; on a busy machine a renewal is late as well. */
const GRACE_MS = 15_000;
/** Bytes a second: a gigabyte takes longer than any of the credentials is accepted. */
const LINE = 32 << 20;
/** Of rclone's own, for a file that is uploaded in parts. */
const PART = 5 << 20;

/** The driver hands credentials out as ending five minutes early; for this clock they end when they do for rclone. */
const clock: Clock = { ...systemClock, now: () => systemClock.now() + EARLY_MS };

let folder: string;
let sts: FakeSts;
let s3: FakeS3;
let refused: number;
let session: ColdSession;
const mounts = makeMounts();
const at = (): string => join(folder, 'cold');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrx-cold-expiry-'));
  for (const name of ['cold', 'run']) mkdirSync(join(folder, name), { mode: 0o700 });
  refused = 0;
  sts = await startFakeSts({ lifeMs: EARLY_MS + LIFE_MS, refusedEarlyMs: EARLY_MS - GRACE_MS });
  s3 = await startFakeS3(['files'], {
    bytesPerSecond: LINE,
    authorize: (request) => {
      const answer = sts.authorize(request);
      if (answer?.body?.toString().includes('ExpiredToken') === true) refused += 1;
      return answer;
    },
  });
  session = startColdSession(
    {
      driver: makeRcloneDriver({
        program: await builtRclone(),
        region: REGION,
        endpoint: s3.endpoint,
        ownerId: 1000,
        cacheBytes: 4 << 30,
        writeBackSeconds: 1,
        clock: systemClock,
        mounts,
        env: {},
      }),
      provider: makeAssumeRoleCredentials({
        roleArn: 'arn:aws:iam::123456789012:role/matrx-user',
        bucket: 'files',
        region: REGION,
        endpoint: sts.endpoint,
        now: systemClock.now,
        own: () => Promise.resolve({ accessKeyId: 'AKIAOWN', secretAccessKey: 'own' }),
      }),
      clock,
      random: systemRandom,
      log: makeLog({ level: 'fatal', component: 'test' }),
      onChange: () => undefined,
    },
    { bucket: 'files', prefix: 'users/ann/cold/', target: at(), folder: join(folder, 'run') },
    () => ({ userId: 'ann', session: 'test' }),
  );
  await until(() => session.view().state === 'Mounted');
});
afterEach(async () => {
  await session.drain(1000);
  await mounts.unbind(at());
  await Promise.all([sts.close(), s3.close()]);
  await rm(folder, { recursive: true });
});

/** Writes it through the mount and answers its SHA-256. */
const write = async (name: string, megabytes: number): Promise<string> => {
  const block = randomBytes(1 << 20);
  const hash = createHash('sha256');
  const file = await open(join(at(), name), 'w');
  for (let number = 0; number < megabytes; number += 1) {
    block.writeUInt32BE(number);
    hash.update(block);
    await file.write(block);
  }
  await file.close();
  return hash.digest('hex');
};
const stored = (name: string): string | undefined => {
  const object = s3.buckets.get('files')?.get(`users/ann/cold/${name}`);
  return object === undefined ? undefined : createHash('sha256').update(object.body).digest('hex');
};
/** The token of each request of this kind, in order. */
const tokensOf = (operation: string): readonly unknown[] =>
  s3.log.filter((request) => request.operation === operation).map(({ headers }) => headers['x-amz-security-token']);

test('credentials that expire in the midst of a 1 GB upload: it goes on with the next ones and is not begun anew', async () => {
  const hash = await write('large', 1024);
  expect(await session.drain(400_000)).toBe(0);
  expect(stored('large')).toBe(hash);
  expect(new Set(tokensOf('UploadPart')).size).toBeGreaterThan(2);
  expect(tokensOf('UploadPart')).toHaveLength(Math.ceil((1 << 30) / PART));
  const [[begun, ...more], [ended]] = [tokensOf('CreateMultipartUpload'), tokensOf('CompleteMultipartUpload')];
  expect(more).toEqual([]);
  expect(ended).not.toBe(begun);
  expect(refused).toBe(0);
});

test('credentials that the server ends before their time: the upload is made again with the next ones [F17]', async () => {
  const hash = await write('large', 200);
  await until(() => tokensOf('UploadPart').length > 8);
  // All that were given out: on a busy machine the one that the upload began with has been replaced by now.
  for (const one of sts.sessions) one.ended = true;
  expect(await session.drain(400_000)).toBe(0);
  expect(stored('large')).toBe(hash);
  expect(refused).toBeGreaterThan(0);
});
