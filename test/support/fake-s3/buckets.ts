import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { applyMultipart } from './multipart.ts';
import type { FakeRequest } from './requests.ts';
import { allVersions, deleteKey, type FakeVersion, putCurrent } from './versions.ts';

export interface FakeObject {
  readonly body: Buffer;
  readonly etag: string;
  readonly lastModified: Date;
  readonly headers: Readonly<Record<string, string>>;
}
export type FakeBucket = Map<string, FakeObject>;

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

const xml = (text: string): string => text.replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`);

export const errorAnswer = (status: number, code: string, message = code): Answer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?><Error><Code>${xml(code)}</Code><Message>${xml(message)}</Message></Error>`,
});

/**
 * Applies one request to the buckets. Synchronous, so that a condition and the write it guards are one step: If-Match
 * and If-None-Match are atomic here as they are on S3.
 */
export const applyRequest = (buckets: Map<string, FakeBucket>, request: FakeRequest): Answer => {
  if (request.operation === 'CreateBucket') {
    if (!buckets.has(request.bucket)) buckets.set(request.bucket, new Map());
    return { status: 200 };
  }
  const bucket = buckets.get(request.bucket);
  if (bucket === undefined) return errorAnswer(404, 'NoSuchBucket', 'The specified bucket does not exist');
  switch (request.operation) {
    case 'HeadBucket':
      return { status: 200 };
    case 'GetObject':
    case 'HeadObject':
      return getObject(bucket, request);
    case 'PutObject':
      return putObject(bucket, request);
    case 'DeleteObject':
      deleteKey(bucket, request.key, request.query.get('versionId') ?? undefined);
      return { status: 204 };
    case 'DeleteObjects':
      return deleteObjects(bucket, request);
    case 'ListObjectsV2':
      return listObjects(bucket, request);
    case 'ListObjectVersions':
      return listVersions(bucket, request);
    case 'CreateMultipartUpload':
    case 'UploadPart':
    case 'CompleteMultipartUpload':
    case 'AbortMultipartUpload':
      return applyMultipart(bucket, request);
    default:
      return errorAnswer(501, 'NotImplemented', request.operation);
  }
};

const getObject = (bucket: FakeBucket, { key, headers }: FakeRequest): Answer => {
  const object = bucket.get(key);
  if (object === undefined) return errorAnswer(404, 'NoSuchKey', 'The specified key does not exist.');
  const common = { etag: object.etag, 'last-modified': object.lastModified.toUTCString(), ...object.headers };
  const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '');
  if (range === null) return { status: 200, headers: common, body: object.body };
  const [first, last] = [Number(range[1]), Math.min(Number(range[2]), object.body.length - 1)];
  if (first >= object.body.length) return errorAnswer(416, 'InvalidRange');
  return {
    status: 206,
    headers: { ...common, 'content-range': `bytes ${first}-${last}/${object.body.length}` },
    body: object.body.subarray(first, last + 1),
  };
};

const putObject = (bucket: FakeBucket, { key, headers, body }: FakeRequest): Answer => {
  const mismatch = wrongChecksum(headers, body);
  if (mismatch !== undefined) return mismatch;
  const current = bucket.get(key);
  if (headers['if-none-match'] === '*' && current !== undefined) return errorAnswer(412, 'PreconditionFailed');
  if (headers['if-match'] !== undefined) {
    if (current === undefined) return errorAnswer(404, 'NoSuchKey', 'The specified key does not exist.');
    if (current.etag !== headers['if-match']) return errorAnswer(412, 'PreconditionFailed');
  }
  const etag = `"${hash('md5', body, 'hex')}"`;
  putCurrent(bucket, key, { body, etag, lastModified: new Date(), headers: keptHeaders(headers) });
  return { status: 200, headers: { etag } };
};

/** What an object keeps of the request that made it. */
export const keptHeaders = (headers: FakeRequest['headers']): Readonly<Record<string, string>> => {
  const kept = Object.entries(headers).filter(([name]) => name === 'content-type' || name.startsWith('x-amz-meta-'));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
};

/** What S3 checks of a body: its declared SHA-256 and CRC-32. Chunked signing is refused, so that it cannot pass unread. */
const wrongChecksum = (headers: FakeRequest['headers'], body: Buffer): Answer | undefined => {
  const signed = headers['x-amz-content-sha256'];
  if (typeof signed === 'string' && signed.startsWith('STREAMING-')) return errorAnswer(501, 'NotImplemented', signed);
  if (typeof signed === 'string' && signed !== 'UNSIGNED-PAYLOAD' && signed !== hash('sha256', body, 'hex')) {
    return errorAnswer(400, 'XAmzContentSHA256Mismatch');
  }
  // Nothing that was not declared is computed: bodies have megabytes.
  const sums = {
    'x-amz-checksum-sha256': () => hash('sha256', body, 'base64'),
    'x-amz-checksum-crc32': () => crcOf(body),
    'content-md5': () => hash('md5', body, 'base64'),
  };
  return Object.entries(sums).some(([name, sum]) => headers[name] !== undefined && headers[name] !== sum())
    ? errorAnswer(400, 'BadDigest')
    : undefined;
};

const crcOf = (body: Buffer): string => {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(body));
  return crc.toString('base64');
};

const deleteObjects = (bucket: FakeBucket, request: FakeRequest): Answer => {
  const mismatch = wrongChecksum(request.headers, request.body);
  if (mismatch !== undefined) return mismatch;
  for (const [, object = ''] of request.body.toString().matchAll(/<Object>(.*?)<\/Object>/gs)) {
    const key = /<Key>([^<]*)<\/Key>/.exec(object)?.[1] ?? '';
    deleteKey(
      bucket,
      key.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code))).replace(/&amp;/g, '&'),
      /<VersionId>([^<]*)<\/VersionId>/.exec(object)?.[1],
    );
  }
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: '<?xml version="1.0"?><DeleteResult/>' };
};

const listObjects = (bucket: FakeBucket, { query }: FakeRequest): Answer => {
  const prefix = query.get('prefix') ?? '';
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const max = Number(query.get('max-keys') ?? 1000);
  const delimiter = query.get('delimiter') ?? '';
  const rolled = (key: string): string => {
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    return end === -1 ? key : key.slice(0, end + delimiter.length);
  };
  const below = [...bucket.keys()].filter((key) => key.startsWith(prefix));
  const keys = [...new Set(below.map(rolled))].filter((key) => key > after).sort();
  const page = keys.slice(0, max);
  const items = page.map((key) => {
    const object = bucket.get(key);
    // Rolled up, and no object's own name either, unless it ends in the delimiter: then it is a folder all the same.
    if (object === undefined || (delimiter !== '' && key.endsWith(delimiter) && key !== prefix)) {
      return `<CommonPrefixes><Prefix>${xml(key)}</Prefix></CommonPrefixes>`;
    }
    return `<Contents><Key>${xml(key)}</Key><Size>${object.body.length}</Size><ETag>${xml(object.etag)}</ETag><LastModified>${object.lastModified.toISOString()}</LastModified></Contents>`;
  });
  const more = keys.length > page.length;
  const next = more ? `<NextContinuationToken>${xml(page.at(-1) ?? '')}</NextContinuationToken>` : '';
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${items.join('')}</ListBucketResult>`,
  };
};

const listVersions = (bucket: FakeBucket, { query }: FakeRequest): Answer => {
  const prefix = query.get('prefix') ?? '';
  const [afterKey, afterId] = [query.get('key-marker') ?? '', query.get('version-id-marker') ?? ''];
  const versions = allVersions(bucket).filter(({ key }) => key.startsWith(prefix));
  // After a version that is gone there is nothing to versitygw: whoever deletes as it lists must not rely on more.
  const marker = versions.findIndex(({ key, id }) => key === afterKey && id === afterId);
  const rest = marker === -1 ? versions.filter(({ key }) => key > afterKey) : versions.slice(marker + 1);
  const left = marker === -1 && afterId !== '' ? [] : rest;
  const page = left.slice(0, Number(query.get('max-keys') ?? 1000));
  const last = left.length > page.length ? page.at(-1) : undefined;
  const next =
    last === undefined
      ? ''
      : `<NextKeyMarker>${xml(last.key)}</NextKeyMarker><NextVersionIdMarker>${last.id}</NextVersionIdMarker>`;
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0"?><ListVersionsResult><IsTruncated>${last !== undefined}</IsTruncated>${next}${page.map(versionItem).join('')}</ListVersionsResult>`,
  };
};

const versionItem = ({ key, id, object, isLatest }: FakeVersion): string => {
  const named = `<Key>${xml(key)}</Key><VersionId>${id}</VersionId><IsLatest>${isLatest}</IsLatest>`;
  if (object === undefined) return `<DeleteMarker>${named}</DeleteMarker>`;
  return `<Version>${named}<Size>${object.body.length}</Size><ETag>${xml(object.etag)}</ETag></Version>`;
};
