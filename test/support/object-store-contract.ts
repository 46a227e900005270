import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemRandom } from '../../src/base/random.ts';
import {
  isStoreError,
  type ListedObject,
  type ListedVersion,
  type ObjectStore,
  type StoreErrorReason,
} from '../../src/workspace/object-store.ts';
import { inBatches } from '../../src/workspace/deletion.ts';
import { putContent } from '../../src/workspace/put-content.ts';
import { checkBucket } from '../../src/workspace/s3/check-bucket.ts';
import { purgeTiers } from '../../src/workspace/tiers.ts';

export interface ContractSubject {
  readonly store: ObjectStore;
  /** The same server, a bucket that is not there. */
  readonly missingBucket: ObjectStore;
  /** The most keys that a listing answers at once: 1,000, as S3's, unless given. */
  readonly pageSize?: number;
  readonly close: () => Promise<void>;
}

export const reasonOf = async (promise: Promise<unknown>): Promise<StoreErrorReason | 'succeeded'> => {
  try {
    await promise;
    return 'succeeded';
  } catch (thrown) {
    if (isStoreError(thrown)) return thrown.reason;
    throw thrown;
  }
};

const everything = async <T extends ListedObject | ListedVersion>(listing: AsyncIterable<T>): Promise<readonly T[]> => {
  const found: T[] = [];
  for await (const object of listing) found.push(object);
  return found;
};

/** What the engine relies on. Run against the fake and against real servers, so that the fake cannot lie. */
export const objectStoreContract = (name: string, start: () => Promise<ContractSubject>): void => {
  describe(`${name}, as an object store`, () => {
    let subject: ContractSubject;
    const prefix = `contract/${systemRandom.hex(6)}/`;
    const body = Buffer.from('body');
    beforeAll(async () => {
      subject = await start();
    });
    afterAll(() => subject.close());

    test('gives back what was put, bytes and ETag', async () => {
      const { store } = subject;
      const bytes = Buffer.from([0, 255, 10, 13, 128]);
      const { etag } = await store.put(`${prefix}bytes`, bytes, { contentType: 'application/x-tar' });
      expect(await store.get(`${prefix}bytes`)).toEqual({ body: bytes, etag });
    });

    test('keeps an empty object and a large one', async () => {
      const { store } = subject;
      const large = Buffer.alloc(9 << 20, 'matrx');
      await store.put(`${prefix}empty`, Buffer.alloc(0));
      await store.put(`${prefix}large`, large);
      expect((await store.get(`${prefix}empty`)).body).toHaveLength(0);
      expect((await store.get(`${prefix}large`)).body.equals(large)).toBe(true);
    });

    test('reads a range', async () => {
      await subject.store.put(`${prefix}range`, Buffer.from('0123456789'));
      expect((await subject.store.get(`${prefix}range`, { range: [2, 5] })).body.toString()).toBe('2345');
    });

    test('says NotFound for a key that is not there', async () => {
      expect(await reasonOf(subject.store.get(`${prefix}none`))).toBe('NotFound');
    });

    test('says BucketNotFound for a bucket that is not there, on every operation', async () => {
      const store = subject.missingBucket;
      expect(await reasonOf(store.get('key'))).toBe('BucketNotFound');
      expect(await reasonOf(store.put('key', body))).toBe('BucketNotFound');
      expect(await reasonOf(store.delete(['key']))).toBe('BucketNotFound');
      expect(await reasonOf(everything(store.listVersions('key')))).toBe('BucketNotFound');
      expect(await checkBucket(store, { random: systemRandom })).toMatchObject({ reason: 'BucketNotFound' });
    });

    test('creates only where there is none', async () => {
      await subject.store.put(`${prefix}once`, body, { ifNoneMatch: true });
      expect(await reasonOf(subject.store.put(`${prefix}once`, body, { ifNoneMatch: true }))).toBe('Exists');
    });

    test('says Exists for a large object too, at every try: some servers refuse it before they have read it', async () => {
      const large = Buffer.alloc(8 << 20, 'large');
      await subject.store.put(`${prefix}large-once`, large, { ifNoneMatch: true });
      const again = (): Promise<unknown> =>
        reasonOf(subject.store.put(`${prefix}large-once`, large, { ifNoneMatch: true }));
      expect(await Promise.all(Array.from({ length: 10 }, again))).toEqual(Array.from({ length: 10 }, () => 'Exists'));
    });

    test('swaps only the version that was read', async () => {
      const { store } = subject;
      const { etag } = await store.put(`${prefix}swap`, Buffer.from('1'));
      const { etag: next } = await store.put(`${prefix}swap`, Buffer.from('2'), { ifMatch: etag });
      expect(await reasonOf(store.put(`${prefix}swap`, Buffer.from('3'), { ifMatch: etag }))).toBe('Changed');
      expect(await store.get(`${prefix}swap`)).toEqual({ body: Buffer.from('2'), etag: next });
    });

    test('says Changed when the object to swap is gone', async () => {
      const swap = subject.store.put(`${prefix}gone`, body, { ifMatch: '"00000000000000000000000000000000"' });
      expect(await reasonOf(swap)).toBe('Changed');
    });

    test('lists by prefix, sorted, over more than one page', async () => {
      const { pageSize = 1000 } = subject;
      const keys = Array.from({ length: pageSize + 100 }, (_, i) => `${prefix}list/${String(i).padStart(4, '0')}`);
      for (let i = 0; i < keys.length; i += 50) {
        await Promise.all(keys.slice(i, i + 50).map((key) => subject.store.put(key, body)));
      }
      const listed = await everything(subject.store.list(`${prefix}list/`));
      expect(listed.map(({ key }) => key)).toEqual(keys);
      expect(listed[0]).toMatchObject({ size: 4 });
      await subject.store.delete(keys);
      expect(await everything(subject.store.list(`${prefix}list/`))).toEqual([]);

      // Old versions are deleted while the rest of them is listed: one pass meets them all.
      const versions = subject.store.listVersions(`${prefix}list/`);
      await inBatches(versions, (batch) => subject.store.deleteVersions(batch));
      expect(await everything(subject.store.listVersions(`${prefix}list/`))).toEqual([]);
    });

    test('deletes, and a second time without complaint', async () => {
      await subject.store.put(`${prefix}delete`, body);
      await subject.store.delete([`${prefix}delete`]);
      await subject.store.delete([`${prefix}delete`]);
      expect(await reasonOf(subject.store.get(`${prefix}delete`))).toBe('NotFound');
    });

    test('stores content again that was deleted, marker or not, and not what is there', async () => {
      const { store } = subject;
      const key = `${prefix}content`;
      await putContent(store, key, body, {});
      await putContent(store, key, Buffer.from('not stored'), {});
      expect((await store.get(key)).body).toEqual(body);
      await store.delete([key]);
      await putContent(store, key, body, {});
      expect((await store.get(key)).body).toEqual(body);
    });

    test('deletes a version for good, and the key is as if it had never been: it can be created', async () => {
      const { store } = subject;
      const key = `${prefix}version`;
      for (const content of ['1', '2']) await store.put(key, Buffer.from(content));
      await store.delete([key]);
      for (const markers of [false, true]) {
        const versions = await everything(store.listVersions(key));
        await store.deleteVersions(versions.filter(({ isMarker }) => isMarker === markers));
        expect(await reasonOf(store.get(key))).toBe('NotFound');
      }
      expect(await everything(store.listVersions(key))).toEqual([]);
      await store.put(key, body, { ifNoneMatch: true });
      expect(await everything(store.listVersions(key))).toMatchObject([{ key, isMarker: false }]);
      await store.deleteVersions(await everything(store.listVersions(key)));
      expect(await reasonOf(store.get(key))).toBe('NotFound');
    });

    test('has nothing left of a workspace that is purged, no version and no marker, and a new one can begin', async () => {
      const { store, pageSize = 1000 } = subject;
      const own = `${prefix}purge/`;
      const other = `${own}workspaces/other/.ws/HEAD`;
      const packs = Array.from({ length: pageSize + 50 }, (_, i) => `${own}.ws/packs/${i}`);
      for (let i = 0; i < packs.length; i += 50) {
        await Promise.all(packs.slice(i, i + 50).map((key) => store.put(key, body)));
      }
      for (const content of ['1', '2', '3']) await store.put(`${own}.ws/HEAD`, Buffer.from(content));
      for (const key of [`${own}cold/file & more`, other]) await store.put(key, body);
      const purged = await purgeTiers({ store, prefix: own });
      expect(purged).toEqual({ objects: packs.length + 2, versionsKept: undefined });
      expect(await everything(store.listVersions(own))).toMatchObject([{ key: other, isMarker: false }]);
      await store.put(`${own}.ws/HEAD`, body, { ifNoneMatch: true });
      await store.put(packs[0]!, body, { ifNoneMatch: true });
    });

    test('refuses a body that does not match its SHA-256', async () => {
      const put = subject.store.put(`${prefix}sum`, body, { sha256: '00'.repeat(32) });
      expect(await reasonOf(put)).toBe('Failed');
      expect(await reasonOf(subject.store.get(`${prefix}sum`))).toBe('NotFound');
    });

    test('passes the bucket check', async () => {
      expect(await checkBucket(subject.store, { random: systemRandom })).toEqual({ ok: true });
    });
  });
};
