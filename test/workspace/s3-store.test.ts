import { afterEach, beforeEach, expect, test, jest } from '@jest/globals';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { checkBucket } from '../../src/workspace/s3/check-bucket.ts';
import { makeS3Store } from '../../src/workspace/s3/store.ts';
import type { ObjectStore } from '../../src/workspace/object-store.ts';
import {
  FORBIDDEN,
  INTERNAL_ERROR,
  NO_SUCH_BUCKET,
  operationIs,
  SLOW_DOWN,
  type FaultAction,
} from '../support/fake-s3/faults.ts';
import { startFakeS3, type FakeS3 } from '../support/fake-s3/server.ts';
import { fakeStore } from '../support/fake-s3/store.ts';
import { objectStoreContract, reasonOf } from '../support/object-store-contract.ts';

// Not a measure: other work on the machine must not fail it.
jest.setTimeout(300_000);

// Pages of a thousand keys are for one of them; where one page ends and the next begins is the same in the other.
for (const [name, options] of [
  ['the fake, with short pages', { pageSize: 100 }],
  ['the fake with versions', { versioned: true }],
] as const) {
  objectStoreContract(name, async () => {
    const server = await startFakeS3(['test'], options);
    const [store, missingBucket] = [fakeStore(server), fakeStore(server, { bucket: 'missing' })];
    const close = async (): Promise<void> => {
      store.close();
      missingBucket.close();
      await server.close();
    };
    return { store, missingBucket, close, ...options };
  });
}

let fake: FakeS3;
let store: ObjectStore;
const body = Buffer.from('body');
beforeEach(async () => {
  fake = await startFakeS3();
  store = fakeStore(fake);
});
afterEach(async () => {
  store.close();
  await fake.close();
});

const fail = (operation: string, action: FaultAction, times: number): void =>
  fake.faults.add({ when: operationIs(operation), action, times });

const TRANSIENT: readonly FaultAction[] = [
  SLOW_DOWN,
  INTERNAL_ERROR,
  { kind: 'resetBefore' },
  { kind: 'resetAfter' },
  { kind: 'hangBefore' },
  { kind: 'hangAfter' },
];

test.each([...TRANSIENT, { kind: 'truncate' } as const])('a read is repeated after $kind $code', async (action) => {
  await store.put('key', body);
  fail('GetObject', action, 2);
  expect((await store.get('key')).body).toEqual(body);
  expect(store.requests()['GetObject']).toBe(3);
});

test.each(TRANSIENT)('a plain write is repeated after $kind $code', async (action) => {
  fail('PutObject', action, 2);
  await store.put('key', body);
  expect((await store.get('key')).body).toEqual(body);
});

test.each(TRANSIENT)('a compare-and-swap is never repeated after $kind $code, but is Ambiguous', async (action) => {
  const { etag } = await store.put('key', body);
  fail('PutObject', action, 1);
  expect(await reasonOf(store.put('key', Buffer.from('next'), { ifMatch: etag }))).toBe('Ambiguous');
  expect(store.requests()['PutObject']).toBe(2);
});

test('a create whose answer was lost finds its own object: Exists', async () => {
  fail('PutObject', { kind: 'resetAfter' }, 1);
  expect(await reasonOf(store.put('key', body, { ifNoneMatch: true }))).toBe('Exists');
});

test('a create that the server refuses by closing the connection, before it has read the body, is Exists', async () => {
  await store.put('key', body);
  fail('PutObject', { kind: 'resetBefore' }, Infinity);
  expect(await reasonOf(store.put('key', body, { ifNoneMatch: true }))).toBe('Exists');
  expect(store.requests()).toEqual({ PutObject: 2, HeadObject: 1 });
});

test('a create is repeated where nobody may ask whether the object is there', async () => {
  fail('HeadObject', FORBIDDEN, Infinity);
  fail('PutObject', { kind: 'resetBefore' }, 2);
  await store.put('key', body, { ifNoneMatch: true });
  expect((await store.get('key')).body).toEqual(body);
});

test('a server that does not know versions has none', async () => {
  await store.put('key', body);
  fail('ListObjectVersions', { kind: 'answer', status: 501, code: 'NotImplemented' }, Infinity);
  for await (const { key } of store.listVersions('')) throw new Error(`${key} is listed`);
  expect(store.requests()['ListObjectVersions']).toBe(1);
});

test('a refusal to delete a version names the permission for that', async () => {
  fail('DeleteObjects', FORBIDDEN, Infinity);
  await expect(store.deleteVersions([{ key: 'key', versionId: 'v1' }])).rejects.toMatchObject({
    reason: 'Forbidden',
    permission: 's3:DeleteObjectVersion',
  });
});

test('a conflict of two swaps is repeated: S3 says that it was not applied', async () => {
  const { etag } = await store.put('key', body);
  fail('PutObject', { kind: 'answer', status: 409, code: 'ConditionalRequestConflict' }, 1);
  await store.put('key', Buffer.from('next'), { ifMatch: etag });
  expect((await store.get('key')).body.toString()).toBe('next');
});

test('a server that stays down is Unreachable after a bounded number of attempts', async () => {
  fail('GetObject', SLOW_DOWN, Infinity);
  expect(await reasonOf(store.get('key'))).toBe('Unreachable');
  expect(store.requests()['GetObject']).toBe(4);
});

test('no server at all is Unreachable, for a compare-and-swap too: nothing was sent', async () => {
  await fake.close();
  expect(await reasonOf(store.put('key', body, { ifMatch: '"1"' }))).toBe('Unreachable');
});

test('a call ends at its deadline, whatever the attempts', async () => {
  const impatient = fakeStore(fake, { policy: { callMs: 50, attempts: 1000 } });
  fail('GetObject', { kind: 'hangBefore' }, Infinity);
  expect(await reasonOf(impatient.get('key'))).toBe('Unreachable');
  impatient.close();
});

test("the caller's own abort is Aborted", async () => {
  fail('GetObject', { kind: 'hangBefore' }, Infinity);
  const abort = new AbortController();
  const patient = fakeStore(fake, { clock: systemClock });
  const reason = reasonOf(patient.get('key', { signal: abort.signal }));
  abort.abort();
  expect(await reason).toBe('Aborted');
  patient.close();
});

test('a refusal names operation, bucket, key, permission and remedy', async () => {
  fail('PutObject', FORBIDDEN, Infinity);
  await expect(store.put('users/ann/.ws/HEAD', body)).rejects.toMatchObject({
    reason: 'Forbidden',
    permission: 's3:PutObject',
    message:
      'PutObject s3://test/users/ann/.ws/HEAD: AccessDenied (HTTP 403) AccessDenied; ' +
      'the credentials need s3:PutObject on the bucket test, and must be current',
  });
  expect(store.requests()['PutObject']).toBe(1);
});

test.each([
  ['ListObjectsV2', FORBIDDEN, 'Forbidden', 's3:ListBucket'],
  ['PutObject', FORBIDDEN, 'Forbidden', 's3:PutObject'],
  ['GetObject', FORBIDDEN, 'Forbidden', 's3:GetObject'],
  ['DeleteObjects', FORBIDDEN, 'Forbidden', 's3:DeleteObject'],
  ['ListObjectsV2', NO_SUCH_BUCKET, 'BucketNotFound', 's3:ListBucket'],
  ['GetObject', SLOW_DOWN, 'Unreachable', 's3:GetObject'],
] as const)('the bucket check tells of %s %j as %s', async (operation, action, reason, permission) => {
  fail(operation, action, Infinity);
  expect(await checkBucket(store, { random: systemRandom })).toMatchObject({ ok: false, reason, permission });
});

test('the bucket check refuses a server that ignores conditions', async () => {
  const deaf: ObjectStore = { ...store, put: (key, bytes) => store.put(key, bytes) };
  expect(await checkBucket(deaf, { random: systemRandom })).toMatchObject({
    ok: false,
    reason: 'NoConditionalWrites',
    message: expect.stringContaining('If-None-Match'),
  });
});

test('the bucket check leaves nothing behind', async () => {
  expect(await checkBucket(store, { random: systemRandom })).toEqual({ ok: true });
  expect(fake.buckets.get('test')?.size).toBe(0);
});

test('a store made from connection settings alone sends nothing until it is used', () => {
  makeS3Store({ bucket: 'b', region: 'eu-west-1', clock: systemClock, random: systemRandom }).close();
  expect(fake.log).toEqual([]);
});
