import { afterEach, beforeEach, describe, expect, it, test } from '@jest/globals';
import { workspaceId, workspacePrefix } from '../../../src/api/workspace-id.ts';
import { makeAssumeRoleCredentials } from '../../../src/node/cold/sts-credentials.ts';
import type { ObjectStore } from '../../../src/workspace/object-store.ts';
import { type FakeSts, startFakeSts } from '../../support/fake-aws/sts.ts';
import { type FakeS3, startFakeS3 } from '../../support/fake-s3/server.ts';
import { fakeStore } from '../../support/fake-s3/store.ts';

// The credentials that the driver gets for a user, used by a real S3 client on a server that evaluates the policy which
// came with them. The role itself may do everything: what keeps users apart here is the session policy alone.

const signal = new AbortController().signal;
const FORBIDDEN = { reason: 'Forbidden' };

let sts: FakeSts;
let s3: FakeS3;
let stores: ObjectStore[];

beforeEach(async () => {
  sts = await startFakeSts();
  s3 = await startFakeS3(['files'], { authorize: sts.authorize });
  stores = [];
});
afterEach(async () => {
  for (const store of stores) store.close();
  await Promise.all([sts.close(), s3.close()]);
});

const issue = (userId: string) =>
  makeAssumeRoleCredentials({
    roleArn: 'arn:aws:iam::123456789012:role/matrx-user',
    bucket: 'files',
    region: 'eu-central-1',
    endpoint: sts.endpoint,
    now: Date.now,
    own: () => Promise.resolve({ accessKeyId: 'AKIAOWN', secretAccessKey: 'own' }),
  }).issue({ userId, session: 'sbx' }, signal);

const storeOf = async (userId: string): Promise<ObjectStore> => {
  const store = fakeStore(s3, { bucket: 'files', credentials: await issue(userId) });
  stores.push(store);
  return store;
};
const put = (key: string): void => {
  s3.buckets
    .get('files')
    ?.set(key, { body: Buffer.from('secret'), etag: '"e"', lastModified: new Date(), headers: {} });
};
const firstKey = async (store: ObjectStore, prefix: string): Promise<string | undefined> => {
  for await (const { key } of store.list(prefix)) return key;
  return undefined;
};

/** Ids that look like one another, like a pattern's neighbours, like a path or like another id's hash. */
const USERS = [
  'ann',
  'anna',
  'Ann',
  'ANN',
  'an',
  '..',
  '.',
  '-',
  'ann.',
  'ann-',
  'x--',
  workspaceId('Ann'),
  'a'.repeat(255),
];

describe.each(USERS)('the session of user %j', (userId) => {
  it('reads, writes, lists and deletes below the own prefix', async () => {
    const store = await storeOf(userId);
    const key = `${workspacePrefix(userId)}cold/own`;
    await store.put(key, Buffer.from('x'));
    expect((await store.get(key)).body.toString()).toBe('x');
    expect(await firstKey(store, `${workspacePrefix(userId)}cold/`)).toBe(key);
    await store.delete([key]);
    expect(s3.buckets.get('files')?.has(key)).toBe(false);
  });

  it('is refused every object and every listing of all the others', async () => {
    const store = await storeOf(userId);
    for (const other of USERS.filter((one) => one !== userId)) {
      const key = `${workspacePrefix(other)}cold/secret`;
      put(key);
      await expect(store.get(key)).rejects.toMatchObject(FORBIDDEN);
      await expect(store.put(key, Buffer.from('x'))).rejects.toMatchObject(FORBIDDEN);
      await expect(store.delete([key])).rejects.toMatchObject(FORBIDDEN);
      await expect(firstKey(store, workspacePrefix(other))).rejects.toMatchObject(FORBIDDEN);
      expect(s3.buckets.get('files')?.get(key)?.body.toString()).toBe('secret');
    }
  });

  it('lists neither the bucket, nor all users, nor anything but whole names', async () => {
    const store = await storeOf(userId);
    const own = workspacePrefix(userId);
    for (const prefix of ['', 'users', 'users/', 'users/a', 'users/*', 'users/?', own.slice(0, -1), own.slice(0, -2)]) {
      await expect(firstKey(store, prefix)).rejects.toMatchObject(FORBIDDEN);
    }
  });

  it('reaches nobody by a path with dots: to S3 it is a name like any other', async () => {
    const store = await storeOf(userId);
    put('users/anyone/cold/secret');
    const key = `${workspacePrefix(userId)}../anyone/cold/secret`;
    await store.put(key, Buffer.from('x')).catch(() => undefined);
    expect(s3.buckets.get('files')?.get('users/anyone/cold/secret')?.body.toString()).toBe('secret');
    await expect(store.get('users/anyone/cold/secret')).rejects.toMatchObject(FORBIDDEN);
  });
});

test.each(['*', '?', '${aws:PrincipalTag/matrx-user}', 'ann/../anna', '', 'ünal', 'a'.repeat(256)])(
  'for %j, which is no user id, STS is not even asked',
  async (userId) => {
    await expect(issue(userId)).rejects.toThrow(RangeError);
    expect(sts.sessions).toEqual([]);
  },
);

test('two users have two sessions, whose names and tags say whose they are', async () => {
  await issue('ann');
  await issue('Ann');
  expect(sts.sessions.map(({ tags }) => tags)).toEqual([{ 'matrx-user': 'ann' }, { 'matrx-user': workspaceId('Ann') }]);
  expect(sts.sessions[0]?.expiresAt).toBeLessThanOrEqual(Date.now() + 3_600_000);
});

test('a session that is over is refused', async () => {
  const store = await storeOf('ann');
  await store.put('users/ann/cold/own', Buffer.from('x'));
  for (const session of sts.sessions) session.ended = true;
  await expect(store.get('users/ann/cold/own')).rejects.toThrow(/ExpiredToken/);
});
