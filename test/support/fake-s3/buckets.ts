import { createHash, hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { applyMultipart } from './multipart.ts';
import type { FakeRequest } from './requests.ts';

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
      bucket.delete(request.key);
      return { status: 204 };
    case 'DeleteObjects':
      return deleteObjects(bucket, request);
    case 'ListObjectsV2':
      return listObjects(bucket, request);
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
  bucket.set(key, { body, etag, lastModified: new Date(), headers: keptHeaders(headers) });
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
  const sha256 = createHash('sha256').update(body).digest();
  if (typeof signed === 'string' && signed !== 'UNSIGNED-PAYLOAD' && signed !== sha256.toString('hex')) {
    return errorAnswer(400, 'XAmzContentSHA256Mismatch');
  }
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(body));
  const declared = [
    [headers['x-amz-checksum-sha256'], sha256.toString('base64')],
    [headers['x-amz-checksum-crc32'], crc.toString('base64')],
    [headers['content-md5'], hash('md5', body, 'base64')],
  ];
  return declared.some(([given, real]) => given !== undefined && given !== real)
    ? errorAnswer(400, 'BadDigest')
    : undefined;
};

const deleteObjects = (bucket: FakeBucket, request: FakeRequest): Answer => {
  const mismatch = wrongChecksum(request.headers, request.body);
  if (mismatch !== undefined) return mismatch;
  for (const [, key = ''] of request.body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)) {
    bucket.delete(
      key.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code))).replace(/&amp;/g, '&'),
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
