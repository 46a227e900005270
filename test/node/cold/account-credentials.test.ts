import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { makeAccountCredentials } from '../../../src/node/cold/account-credentials.ts';
import { CredentialError, type CredentialProvider, type UserCredentials } from '../../../src/node/cold/credentials.ts';
import type { ObjectStore } from '../../../src/workspace/object-store.ts';
import { makeS3Store } from '../../../src/workspace/s3/store.ts';
import { accountContract } from '../../support/account-contract.ts';
import { type FakeIam, startFakeIam } from '../../support/fake-aws/iam.ts';
import { type FakeS3, startFakeS3 } from '../../support/fake-s3/server.ts';

const BUCKET = 'files';
const REGION = 'us-east-1';
const signal = new AbortController().signal;

let iam: FakeIam;
let s3: FakeS3;
/** Whether every key may list all of the bucket, as servers without conditions in policies let it. */
let listsAll: boolean;
let stores: ObjectStore[];

beforeEach(async () => {
  listsAll = false;
  stores = [];
  iam = await startFakeIam();
  s3 = await startFakeS3([BUCKET], {
    authorize: (request) => (listsAll && request.operation === 'ListObjectsV2' ? undefined : iam.authorize(request)),
  });
});
afterEach(async () => {
  for (const store of stores) store.close();
  await s3.close();
  await iam.close();
});

const makeProvider = (): CredentialProvider =>
  makeAccountCredentials({
    endpoint: s3.endpoint,
    iamEndpoint: iam.endpoint,
    region: REGION,
    bucket: BUCKET,
    root: () => Promise.resolve({ accessKeyId: 'root', secretAccessKey: 'secret' }),
    now: Date.now,
  });
const storeOf = (credentials: UserCredentials): ObjectStore => {
  const store = makeS3Store({
    bucket: BUCKET,
    region: REGION,
    endpoint: s3.endpoint,
    credentials,
    clock: systemClock,
    random: systemRandom,
  });
  stores.push(store);
  return store;
};
const issue = (provider: CredentialProvider, userId = 'ann') => provider.issue({ userId, session: 's' }, signal);

describe('an account for each user', () => {
  accountContract(() => ({ makeProvider, storeOf }));

  test('goes with its last key', async () => {
    const provider = makeProvider();
    await issue(provider);
    expect([...iam.users.keys()]).toEqual(['matrx-ann']);
    await provider.revoke?.('ann', signal);
    expect([...iam.users.keys()]).toEqual([]);
  });

  test('is not asked for where this process was issued nothing', async () => {
    await makeProvider().revoke?.('ann', signal);
    expect(iam.actions).toEqual([]);
  });

  test('says where the server lets listings reach further', async () => {
    listsAll = true;
    expect(await issue(makeProvider())).toMatchObject({ isolation: 'account' });
  });

  test('has a name that fits, and is no other user’s, however long the user’s id', async () => {
    const provider = makeProvider();
    await issue(provider, 'x'.repeat(200));
    await issue(provider, `${'x'.repeat(199)}y`);
    expect(iam.users.size).toBe(2);
  });
});

describe('a refusal', () => {
  test('says what was refused, where and why', async () => {
    iam.faults.set('PutUserPolicy', {
      status: 403,
      body: '<ErrorResponse><Error><Code>AccessDenied</Code><Message>root may not</Message></Error></ErrorResponse>',
    });
    const refused = issue(makeProvider());
    await expect(refused).rejects.toThrow(CredentialError);
    await expect(refused).rejects.toThrow(
      `PutUserPolicy at ${new URL(iam.endpoint).host} is refused: AccessDenied: root may not`,
    );
  });

  test('without a word of S3’s is told by its status', async () => {
    iam.faults.set('CreateUser', { status: 502, body: 'bad gateway' });
    await expect(issue(makeProvider())).rejects.toThrow('is refused: status 502');
  });

  test('of half a key shows nothing of it', async () => {
    iam.faults.set('CreateAccessKey', { status: 200, body: '<SecretAccessKey>hidden</SecretAccessKey>' });
    const refused = issue(makeProvider());
    await expect(refused).rejects.toThrow('without a complete key');
    await expect(refused).rejects.not.toThrow('hidden');
  });
});
