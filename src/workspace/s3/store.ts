import { hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  type ObjectIdentifier,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { ListedObject, ListedVersion, ObjectStore, PutOptions, StoredObject } from '../object-store.ts';
import { DEFAULT_POLICY, makeAttempts, type AttemptPolicy, type Ending } from './attempt.ts';
import { readBody } from './body.ts';
import { makeS3Client, type S3Connection } from './client.ts';
import { storeError, type Operation } from './failure.ts';
import { isUnknownToServer, nextPage, versionsOf } from './versions.ts';

export interface S3StoreOptions extends S3Connection {
  readonly bucket: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly policy?: Partial<AttemptPolicy>;
}

const OPERATIONS = {
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  PutObject: 's3:PutObject',
  ListObjectsV2: 's3:ListBucket',
  ListObjectVersions: 's3:ListBucketVersions',
  DeleteObjects: 's3:DeleteObject',
} as const;
type OperationName = keyof typeof OPERATIONS;
/** S3's limit for one DeleteObjects. */
const DELETE_BATCH = 1000;
/** A pack is at most so large; deadlines allow for it where the caller knows no better. */
const LARGE_OBJECT = 16 << 20;

/** An ObjectStore on one bucket. Nothing is sent before the first call. */
export const makeS3Store = (options: S3StoreOptions): ObjectStore => {
  const { bucket } = options;
  const client = makeS3Client(options);
  const attempts = makeAttempts({ ...options, policy: { ...DEFAULT_POLICY, ...options.policy } });
  const sent: Record<string, number> = {};
  const operation = (name: OperationName, key: string, permission: string = OPERATIONS[name]): Operation => ({
    bucket,
    key,
    name,
    permission,
  });
  const count = (name: OperationName): void => void (sent[name] = (sent[name] ?? 0) + 1);

  const call = async <T>(
    name: OperationName,
    key: string,
    how: { readonly bytes: number; readonly signal: AbortSignal | undefined; readonly permission?: string },
    send: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const what = operation(name, key, how.permission);
    const outcome = await attempts({ ...how, operation: what, repeatAmbiguous: true }, (signal) => {
      count(name);
      return send(signal);
    });
    if ('ok' in outcome) return outcome.ok;
    throw ended(what, outcome.ended);
  };

  const get: ObjectStore['get'] = (key, { range, signal, into, expectedBytes = LARGE_OBJECT } = {}) =>
    call('GetObject', key, { bytes: expectedBytes, signal }, (attempt) =>
      getOnce(client, bucket, { key, range, into }, attempt),
    );

  /**
   * False when it cannot be told, for example where missing objects are answered with 403. Asked before a create-only
   * PUT is repeated: a server that refuses it before it has read the body, and then closes the connection, resets it,
   * and the refusal is lost at every repetition. It also spares the body when only the answer was lost.
   */
  const isThere = async (key: string, abortSignal: AbortSignal): Promise<boolean> => {
    count('HeadObject');
    const head = client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), { abortSignal });
    return await head.then(
      () => true,
      () => false,
    );
  };

  const put: ObjectStore['put'] = async (key, body, how = {}) => {
    const what = operation('PutObject', key);
    let sentBefore = false;
    const outcome = await attempts(
      { operation: what, bytes: body.length, signal: how.signal, repeatAmbiguous: how.ifMatch === undefined },
      async (signal) => {
        if (sentBefore && how.ifNoneMatch === true && (await isThere(key, signal))) throw new AlreadyThere();
        count('PutObject');
        sentBefore = true;
        return await putOnce(client, bucket, key, body, how, signal);
      },
    );
    if ('ok' in outcome) return outcome.ok;
    throw putEnded(what, outcome.ended, how);
  };

  const list = async function* (prefix: string, signal?: AbortSignal): AsyncIterable<ListedObject> {
    let token: string | undefined;
    do {
      const input = { Bucket: bucket, Prefix: prefix, ...(token === undefined ? {} : { ContinuationToken: token }) };
      const page = await call('ListObjectsV2', prefix, { bytes: 0, signal }, (abortSignal) =>
        client.send(new ListObjectsV2Command(input), { abortSignal }),
      );
      for (const item of page.Contents ?? []) {
        yield {
          key: item.Key ?? '',
          size: item.Size ?? 0,
          etag: item.ETag ?? '',
          lastModified: item.LastModified?.getTime() ?? 0,
        };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  };

  const versionPage = async (
    prefix: string,
    from: { readonly KeyMarker?: string; readonly VersionIdMarker?: string },
    signal: AbortSignal | undefined,
  ): Promise<ListObjectVersionsCommandOutput | undefined> => {
    const input = { Bucket: bucket, Prefix: prefix, ...from };
    try {
      return await call('ListObjectVersions', prefix, { bytes: 0, signal }, (abortSignal) =>
        client.send(new ListObjectVersionsCommand(input), { abortSignal }),
      );
    } catch (thrown) {
      if (isUnknownToServer(thrown)) return undefined;
      throw thrown;
    }
  };

  /**
   * One page ahead of what is yielded: a page begins after the last version of the one before, and versitygw answers that
   * there is nothing more when that version has been deleted meanwhile.
   */
  const listVersions = async function* (prefix: string, signal?: AbortSignal): AsyncIterable<ListedVersion> {
    let page = await versionPage(prefix, {}, signal);
    while (page !== undefined) {
      const from = nextPage(page);
      const next = from === undefined ? undefined : await versionPage(prefix, from, signal);
      for (const version of versionsOf(page)) if (version.key.startsWith(prefix)) yield version;
      page = next;
    }
  };

  const removeAll = async (
    objects: readonly (ObjectIdentifier & { readonly Key: string })[],
    how: { readonly permission: string; readonly signal: AbortSignal | undefined },
  ): Promise<void> => {
    for (let start = 0; start < objects.length; start += DELETE_BATCH) {
      const batch = objects.slice(start, start + DELETE_BATCH);
      const input = { Bucket: bucket, Delete: { Quiet: true, Objects: batch } };
      const answer = await call('DeleteObjects', batch[0]?.Key ?? '', { bytes: 0, ...how }, (abortSignal) =>
        client.send(new DeleteObjectsCommand(input), { abortSignal }),
      );
      const refused = answer.Errors?.[0];
      if (refused === undefined) continue;
      const what = operation('DeleteObjects', refused.Key ?? '', how.permission);
      throw storeError(refused.Code === 'AccessDenied' ? 'Forbidden' : 'Failed', what, refused.Code ?? 'refused', 1);
    }
  };

  return {
    name: `s3://${bucket}`,
    get,
    put,
    list,
    delete: (keys, signal) =>
      removeAll(
        keys.map((Key) => ({ Key })),
        { permission: OPERATIONS.DeleteObjects, signal },
      ),
    listVersions,
    deleteVersions: (versions, signal) =>
      removeAll(
        versions.map(({ key, versionId }) => ({ Key: key, VersionId: versionId })),
        { permission: 's3:DeleteObjectVersion', signal },
      ),
    requests: () => ({ ...sent }),
    close: () => client.destroy(),
  };
};

/** Stands for the 412 that a create-only PUT of an existing key would be answered with. */
class AlreadyThere extends Error {
  override readonly name = 'PreconditionFailed';
  readonly $metadata = { httpStatusCode: 412 };
  constructor() {
    super('the object is there already');
  }
}

interface GetOne {
  readonly key: string;
  readonly range: readonly [number, number] | undefined;
  readonly into: Buffer | undefined;
}

const getOnce = async (
  client: S3Client,
  bucket: string,
  { key, range, into }: GetOne,
  abortSignal: AbortSignal,
): Promise<StoredObject> => {
  const input = {
    Bucket: bucket,
    Key: key,
    ...(range === undefined ? {} : { Range: `bytes=${range[0]}-${range[1]}` }),
  };
  const answer = await client.send(new GetObjectCommand(input), { abortSignal });
  return {
    body: await readBody(answer.Body as Readable, answer.ContentLength, abortSignal, into),
    etag: answer.ETag ?? '',
  };
};

const putOnce = async (
  client: S3Client,
  bucket: string,
  key: string,
  body: Uint8Array,
  how: PutOptions,
  abortSignal: AbortSignal,
): Promise<{ readonly etag: string }> => {
  const sha256 = how.sha256 ?? hash('sha256', body, 'hex');
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: key,
    Body: body,
    ContentLength: body.length,
    ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
    ...(how.ifMatch === undefined ? {} : { IfMatch: how.ifMatch }),
    ...(how.ifNoneMatch === undefined ? {} : { IfNoneMatch: '*' }),
    ...(how.contentType === undefined ? {} : { ContentType: how.contentType }),
    ...(how.metadata === undefined ? {} : { Metadata: { ...how.metadata } }),
  });
  // Saves the signer its own pass over the body: it takes the payload's hash from this header.
  command.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = sha256;
      return next(args);
    },
    { step: 'build', name: 'payloadHash' },
  );
  const answer = await client.send(command, { abortSignal });
  return { etag: answer.ETag ?? '' };
};

const ended = (operation: Operation, { failure, attempts, cause }: Ending): Error =>
  storeError(failure.reason === 'Precondition' ? 'Failed' : failure.reason, operation, failure.said, attempts, cause);

/** Only a compare-and-swap is `Ambiguous`: every other PUT can be sent again to find out. */
const putEnded = (operation: Operation, end: Ending, how: PutOptions): Error => {
  const { failure, attempts, cause } = end;
  if (failure.reason === 'Precondition') {
    return storeError(how.ifMatch === undefined ? 'Exists' : 'Changed', operation, failure.said, attempts, cause);
  }
  // S3 answers a compare-and-swap on a missing object with 404.
  if (failure.reason === 'NotFound') {
    return storeError(
      how.ifMatch === undefined ? 'BucketNotFound' : 'Changed',
      operation,
      failure.said,
      attempts,
      cause,
    );
  }
  if (how.ifMatch !== undefined && failure.ambiguous)
    return storeError('Ambiguous', operation, failure.said, attempts, cause);
  return ended(operation, end);
};
